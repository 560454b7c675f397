import Foundation
import HTTPTypes
import PostludeRecordStoreFixtures
import PostludeTesting
import Testing

@testable import Postlude
@testable import PostludeDurable
@testable import PostludePostgres

@Suite("One transaction in PostgreSQL: rows, tasks and the end of a task", .timeLimit(.minutes(10)))
struct PostgreSQLTransactionTests {
    struct Book: DurableTask {
        var order: Int
        var fails = false

        static var policy: DurablePolicy {
            DurablePolicy(retry: RetryPolicy(attempts: 3, delay: .seconds(1), jitter: 0))
        }

        func run(_ context: TaskContext) async throws -> Int {
            try context.transaction(on: PostgreSQL.self) { connection in
                try connection.execute("UPDATE account SET balance = balance + 1 WHERE number = \(1)")
                if fails, context.attempt < 2 { throw Failed() }
                return try connection.value("SELECT balance FROM account", as: Int.self) ?? 0
            }
        }
    }

    struct Note: DurableTask {
        var order: Int
        func run(_ context: TaskContext) async throws {}
    }

    struct Failed: Error {}

    struct Placing: Codable, Sendable {
        var order = 1
        /// What the handler does after it has written.
        var end = ""
        var account = 1
    }

    struct Shop: Application {
        let database: PostgreSQLDatabase

        init() { fatalError("tests make it with a database") }
        init(_ database: PostgreSQLDatabase) { self.database = database }

        var handlers: Handlers {
            Handler("place") {
                (placing: JSONBody<Placing>, transaction: Transaction<PostgreSQL>, tasks: BackgroundTasks)
                    throws
                    -> Response in
                let (placing, connection) = (placing.value, transaction.database)
                try Self.insert(placing, connection)
                try tasks.enqueue(Book(order: placing.order, fails: placing.end == "retry"))
                switch placing.end {
                case "within": try tasks.enqueue(Note(order: placing.order), in: connection)
                case "throw": throw HTTPError(.badGateway)
                case "twice": try Self.insert(placing, connection)
                case "savepoint":
                    try? connection.savepoint { try Self.insert(placing, connection) }
                case "swallow": try? Self.insert(placing, connection)
                case "serialize":
                    try connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
                default: break
                }
                return .text("placed", status: .accepted)
            }
            Handler("compete") { (transaction: Transaction<PostgreSQL>) throws -> String in
                let connection = transaction.database
                try connection.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
                _ = try connection.query("SELECT balance FROM account")
                try database.write { try $0.execute("UPDATE account SET balance = balance + 1") }
                try connection.execute("UPDATE account SET balance = balance + 10")
                return "never"
            }
            Handler("write") { (placing: JSONBody<Placing>, tasks: BackgroundTasks) throws -> Response in
                let placing = placing.value
                let ids = try database.write { connection in
                    try Self.insert(placing, connection)
                    let first = try tasks.enqueue(Book(order: placing.order), unique: "1", in: connection)
                    try? connection.savepoint {
                        try tasks.enqueue(Note(order: -1), in: connection)
                        throw Failed()
                    }
                    let last = try tasks.enqueue(Note(order: placing.order), in: connection)
                    if placing.end == "rollback" { throw HTTPError(.conflict) }
                    return [first.id, last.id]
                }
                if placing.end == "throw" { throw HTTPError(.badGateway) }
                return .text(ids.joined(separator: ", "), status: .accepted)
            }
            Handler("count") { (snapshot: Snapshot<PostgreSQL>) throws -> [String: Int] in
                let count = try snapshot.database.value("SELECT count(*) FROM placed", as: Int.self)
                #expect(throws: PostgreSQLError.self) {
                    try snapshot.database.execute("DELETE FROM placed")
                }
                return ["count": count ?? 0]
            }
            Handler("look") { (snapshot: Snapshot<PostgreSQL>, tasks: BackgroundTasks) throws -> String in
                try tasks.enqueue(Note(order: 1))
                return "looked"
            }
        }

        var taskEngine: TaskEngine? {
            .durable(in: .database(database)) {
                Book.self
                Note.self
            }
        }

        private static func insert(_ placing: Placing, _ connection: PostgreSQLConnection) throws {
            try connection.execute(
                "INSERT INTO placed (number, account) VALUES (\(placing.order), \(placing.account))")
        }
    }

    private static let manifest = """
        routes:
          - { path: /place, method: POST, handler: place, idempotency: { key: optional, keep: 1h } }
          - { path: /compete, method: POST, handler: compete }
          - { path: /write, method: POST, handler: write }
          - { path: /count, method: GET, handler: count }
          - { path: /look, method: GET, handler: look }
        """

    private let fixture: PostgreSQLFixture
    private let database: PostgreSQLDatabase

    init() throws {
        fixture = try PostgreSQLFixture()
        database = try PostgreSQLDatabase(fixture.place, timeout: .seconds(60))
        _ = try fixture.query(
            """
            CREATE TABLE account (number integer PRIMARY KEY, balance integer NOT NULL);
            INSERT INTO account VALUES (1, 0);
            CREATE TABLE placed (
                number integer PRIMARY KEY, account integer NOT NULL REFERENCES account DEFERRABLE INITIALLY DEFERRED)
            """)
    }

    private func app() async throws -> TestApplication<Shop> {
        try await TestApplication(Shop(database), manifest: Self.manifest)
    }

    private func number(_ sql: String) throws -> Int? { try fixture.query(sql).first.flatMap { Int($0) } }
    private var placed: Int? { get throws { try number("SELECT count(*) FROM placed") } }
    private var records: Int? { get throws { try number("SELECT count(*) FROM postlude.record") } }
    private var balance: Int? { get throws { try number("SELECT balance FROM account") } }

    private func taskIDs(of response: TestResponse) -> String? {
        HTTPField.Name("Task-Id").flatMap { response.headers[$0] }
    }

    private func post(_ target: String, _ placing: Placing = Placing()) throws -> TestRequest {
        try TestRequest.post(target, json: placing)
    }

    @Test("A handler's rows and tasks are committed together, and the task's effect with its end")
    func together() async throws {
        let app = try await app()
        let response = try await app.send(post("/place"))
        #expect(response.status == .accepted && taskIDs(of: response) != nil)
        #expect(try placed == 1 && records == 1)
        #expect(response.tasks.queued.map(\.name) == ["Book"])
        try await response.tasks.runAll()
        #expect(try balance == 1)
        #expect(
            try fixture.query("SELECT state, attempts, convert_from(result, 'UTF8') FROM postlude.record")
                == ["2|1|1"])
        #expect(try await app.send(.get("/count")).json([String: Int].self) == ["count": 1])
        try await app.stop()
    }

    @Test(
        "If the handler throws, is late, has failed statements or has lost its connection, there are neither rows nor tasks",
        arguments: [
            ("throw", 502), ("late", 504), ("twice", 500), ("swallow", 409), ("serialize", 503),
            ("foreign", 409),
        ])
    func rolledBack(how: String, status: Int) async throws {
        let app = try await app()
        var request = try post("/place", Placing(end: how, account: how == "foreign" ? 4711 : 1))
        request.isCancelled = how == "late"
        let response = try await app.send(request)
        #expect(response.status.code == status && taskIDs(of: response) == nil)
        #expect(response.tasks.queued.isEmpty)
        #expect(try placed == 0 && records == 0)
        #expect(try await app.send(post("/place")).status == .accepted)
        try await app.stop()
    }

    @Test("A transaction that cannot be serialized is a 409")
    func conflict() async throws {
        let app = try await app()
        #expect(try await app.send(.post("/compete")).status == .conflict)
        #expect(try balance == 1)
        try await app.stop()
    }

    @Test("A handler that only reads may add tasks, which are persisted by themselves")
    func look() async throws {
        let app = try await app()
        let response = try await app.send(.get("/look"))
        #expect(response.status == .ok && response.tasks.queued.map(\.name) == ["Note"])
        #expect(try records == 1)
        try await app.stop()
    }

    @Test("A statement in a savepoint may fail; the transaction goes on")
    func savepoint() async throws {
        let app = try await app()
        #expect(try await app.send(post("/place", Placing(end: "savepoint"))).status == .accepted)
        #expect(try placed == 1 && records == 1)
        try await app.stop()
    }

    @Test("The answer to a request with a key is in the commit, and a repetition gets it without another row")
    func idempotency() async throws {
        let app = try await app()
        var request = try post("/place")
        request.headers[try #require(HTTPField.Name("Idempotency-Key"))] = "k"
        let first = try await app.send(request)
        let second = try await app.send(request)
        #expect(first.status == .accepted && second.status == .accepted)
        #expect(taskIDs(of: first) == taskIDs(of: second) && taskIDs(of: first) != nil)
        #expect(first.tasks.queued.count == 1 && second.tasks.queued.isEmpty)
        #expect(try placed == 1 && records == 1)
        try await app.stop()
    }

    @Test("A task that is enqueued on the transaction's connection is committed with it")
    func within() async throws {
        let app = try await app()
        let response = try await app.send(post("/place", Placing(end: "within")))
        #expect(Set(response.tasks.queued.map(\.name)) == ["Book", "Note"])
        #expect(taskIDs(of: response)?.split(separator: ",").count == 2)
        #expect(try records == 2)
        try await app.stop()
    }

    @Test("The tasks of the application's own transaction run after its commit, in their order")
    func enqueued() async throws {
        let app = try await app()
        let response = try await app.send(post("/write"))
        #expect(taskIDs(of: response) == response.text)
        #expect(response.tasks.queued.map(\.name) == ["Book", "Note"])
        try await response.tasks.runAll()
        #expect(try balance == 1 && records == 2)
        #expect(try number("SELECT count(*) FROM postlude.record WHERE state = 2") == 2)
        try await app.stop()
    }

    @Test("They do not exist after a rollback, and run after a commit although the handler throws")
    func ends() async throws {
        let app = try await app()
        let rolledBack = try await app.send(post("/write", Placing(end: "rollback")))
        #expect(rolledBack.status == .conflict && taskIDs(of: rolledBack) == nil)
        #expect(try placed == 0 && records == 0)
        let thrown = try await app.send(post("/write", Placing(end: "throw")))
        #expect(thrown.status == .badGateway && taskIDs(of: thrown) != nil)
        #expect(thrown.tasks.queued.map(\.name) == ["Book", "Note"])
        #expect(try placed == 1 && records == 2)
        try await app.stop()
    }

    @Test("An attempt that fails changes nothing; the one that commits is the last")
    func exactlyOnce() async throws {
        let app = try await app()
        let retried = try await app.send(post("/place", Placing(end: "retry")))
        try await retried.tasks.runAll()
        #expect(try balance == 1)
        #expect(try number("SELECT attempts FROM postlude.record") == 2)
        try await app.stop()
    }

    // MARK: Checks

    private struct Mistaken: Application {
        var storage = DurableStorage.postgreSQL
        init() {}
        init(_ storage: DurableStorage) { self.storage = storage }

        var handlers: Handlers {
            Handler("write") { (_: Transaction<PostgreSQL>) throws -> String in "" }
        }
        var taskEngine: TaskEngine? { .durable(in: storage) { Note.self } }
    }

    private func problems(_ storage: DurableStorage, _ taskStore: String) -> String {
        do {
            _ = try Mistaken(storage).registeredHandlers.manifest(
                "\(taskStore)\nroutes: [{ path: /, method: POST, handler: write }]", file: "routes.yaml")
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test("check refuses a transaction that the store's place does not have")
    func checks() {
        #expect(
            problems(.postgreSQL, "task-store: { path: /a.sqlite }").contains(
                "1:21: Transaction<PostgreSQL> is not possible: expected an address of PostgreSQL"))
        #expect(problems(.postgreSQL, "task-store: { path: 'postgresql://a/b' }") == "")
        #expect(
            problems(.database(database), "task-store: { path: /a }").contains(
                "expected no `path` of `task-store`"))
        #expect(problems(.database(database), "") == "")
        #expect(
            problems(.manifestDatabase { _ in }, "task-store: { path: /a }").contains(
                "is not a transaction on the database that has the tasks"))
    }
}
