import Foundation
import GRDB
import HTTPTypes
import PostludeSystem
import PostludeTesting
import Testing

@testable import Postlude
@testable import PostludeDurable

@Suite("One transaction: rows, tasks and the end of a task")
struct OneTransactionTests {
    struct Book: DurableTask {
        var order: Int64
        var fails = false

        static var policy: DurablePolicy {
            DurablePolicy(retry: RetryPolicy(attempts: 3, delay: .seconds(1), jitter: 0))
        }

        func run(_ context: TaskContext) async throws -> Int {
            let balance = try context.transaction { database in
                try database.execute(sql: "UPDATE account SET balance = balance + 1 WHERE number = 1")
                if fails, context.attempt < 2 { throw Failed() }
                return try Int.fetchOne(database, sql: "SELECT balance FROM account") ?? 0
            }
            // The task is over: this cannot make it run again.
            if order == 13 { throw Failed() }
            return balance
        }
    }

    struct Note: DurableTask {
        var order: Int64
        func run(_ context: TaskContext) async throws {}
    }

    struct Failed: Error {}

    struct Placing: Codable, Sendable {
        var order: Int64 = 1
        /// What the handler, or the middleware, does after it has written.
        var end = ""
        var account = 1
    }

    /// Fails after the handler has returned, or calls it twice.
    struct Around: Middleware {
        func respond(to request: Request, next: Next) async throws -> Response {
            let response = try await next(request)
            switch request.header("X-Around") {
            case "throw": throw HTTPError(.badGateway)
            case "again": return try await next(request)
            default: return response
            }
        }
    }

    struct Shop: Application {
        let database: DatabasePool

        init() { fatalError("tests make it with a database") }
        init(_ database: DatabasePool) { self.database = database }

        var middleware: [any Middleware] { [Around()] }

        var handlers: Handlers {
            Handler("place") {
                (placing: JSONBody<Placing>, transaction: Transaction<SQLite>, tasks: BackgroundTasks) throws
                    -> Response in
                let placing = placing.value
                try Self.insert(placing, transaction.database)
                try tasks.enqueue(
                    Book(order: placing.order, fails: placing.end == "retry"),
                    unique: placing.end == "unique" ? "k" : nil, while: .stored)
                if placing.end == "within" {
                    try tasks.enqueue(Note(order: placing.order), in: transaction.database)
                }
                if placing.end == "persist" { _ = try tasks.persist() }
                if placing.end == "throw" { throw HTTPError(.conflict) }
                return .text("placed", status: .accepted)
            }
            Handler("write") { (placing: JSONBody<Placing>, tasks: BackgroundTasks) throws -> Response in
                let placing = placing.value
                let ids = try database.write { database in
                    try Self.insert(placing, database)
                    let first = try tasks.enqueue(Book(order: placing.order), unique: "1", in: database)
                    try? database.inSavepoint {
                        try tasks.enqueue(Note(order: -1), in: database)
                        throw Failed()
                    }
                    let last = try tasks.enqueue(Note(order: placing.order), in: database)
                    if placing.end == "rollback" { throw HTTPError(.conflict) }
                    return [first.id, last.id]
                }
                if placing.end == "throw" { throw HTTPError(.badGateway) }
                return .text(ids.joined(separator: ", "), status: .accepted)
            }
            Handler("count") { (snapshot: Snapshot<SQLite>) throws -> [String: Int] in
                let count = try Int.fetchOne(snapshot.database, sql: "SELECT count(*) FROM placed") ?? 0
                return ["count": count]
            }
        }

        var taskEngine: TaskEngine? {
            .durable(in: .database(database)) {
                Book.self
                Note.self
            }
        }

        private static func insert(_ placing: Placing, _ database: Database) throws {
            try database.execute(
                sql: "INSERT INTO placed (number, account) VALUES (?, ?)",
                arguments: [placing.order, placing.account])
        }
    }

    private static let manifest = """
        routes:
          - { path: /place, method: POST, handler: place }
          - { path: /write, method: POST, handler: write }
          - { path: /count, method: GET, handler: count }
        """

    private let directory: TestDirectory
    private let database: DatabasePool
    private let log = LogLines()

    init() throws {
        directory = try TestDirectory()
        var configuration = Configuration()
        configuration.busyMode = .timeout(20)
        database = try DatabasePool(path: directory.path + "/shop.sqlite", configuration: configuration)
        try database.write { database in
            try database.execute(
                sql: """
                    CREATE TABLE account (number INTEGER PRIMARY KEY, balance INTEGER NOT NULL);
                    INSERT INTO account VALUES (1, 0);
                    CREATE TABLE placed (
                        number INTEGER PRIMARY KEY,
                        account INTEGER NOT NULL REFERENCES account DEFERRABLE INITIALLY DEFERRED
                    );
                    """)
        }
    }

    private func app() async throws -> TestApplication<Shop> {
        try await TestApplication(Shop(database), manifest: Self.manifest, logger: log.logger)
    }

    private func value(_ sql: String) throws -> Int {
        try database.read { try Int.fetchOne($0, sql: sql) ?? 0 }
    }
    private var placed: Int { get throws { try value("SELECT count(*) FROM placed") } }
    private var records: Int { get throws { try value("SELECT count(*) FROM postlude_record") } }
    private var balance: Int { get throws { try value("SELECT balance FROM account") } }

    private func taskIDs(of response: TestResponse) -> String? {
        HTTPField.Name("Task-Id").flatMap { response.headers[$0] }
    }

    private func post(_ target: String, _ placing: Placing = Placing(), around: String? = nil) throws
        -> TestRequest
    {
        var request = try TestRequest.post(target, json: placing)
        if let around { request.headers[try #require(HTTPField.Name("X-Around"))] = around }
        return request
    }

    // MARK: Transaction<SQLite>

    @Test("A handler's rows and tasks are committed together, and the task's effect with its end")
    func placed() async throws {
        let app = try await app()
        let response = try await app.send(post("/place"))
        #expect(response.status == .accepted && taskIDs(of: response) != nil)
        #expect(try placed == 1 && records == 1)
        #expect(response.tasks.queued.map(\.name) == ["Book"])
        try await response.tasks.runAll()
        #expect(try balance == 1)
        #expect(try value("SELECT state FROM postlude_record") == 2)
        #expect(try value("SELECT result FROM postlude_record") == 1)
        try await app.stop()
    }

    @Test("A unique key is looked up while the handler's transaction is open, after tasks have ended")
    func unique() async throws {
        let app = try await app()
        let first = try await app.send(post("/place", Placing(order: 1, end: "unique")))
        try await first.tasks.runAll()
        let second = try await app.send(post("/place", Placing(order: 2, end: "unique")))
        #expect(second.status == .accepted && taskIDs(of: second) == taskIDs(of: first))
        #expect(try placed == 2 && records == 1)
        try await app.stop()
    }

    @Test(
        "If the handler or middleware throws, or the request is late, neither rows nor tasks are there",
        arguments: ["throw", "middleware", "late", "persist"])
    func rolledBack(how: String) async throws {
        let app = try await app()
        var request = try post("/place", Placing(end: how), around: how == "middleware" ? "throw" : nil)
        request.isCancelled = how == "late"
        let response = try await app.send(request)
        #expect(response.status.code >= 400 && taskIDs(of: response) == nil)
        #expect(response.tasks.queued.isEmpty)
        #expect(try placed == 0 && records == 0)
        // The next request has the lock.
        #expect(try await app.send(post("/place")).status == .accepted)
        try await app.stop()
    }

    @Test("What the database refuses at the commit is a 409, and no task runs")
    func conflict() async throws {
        let app = try await app()
        let response = try await app.send(post("/place", Placing(account: 4711)))
        #expect(response.status == .conflict && taskIDs(of: response) == nil)
        #expect(response.tasks.queued.isEmpty)
        #expect(try placed == 0 && records == 0)
        #expect(log.lines.contains { $0.contains("could not be committed, the request is answered 409") })
        try await app.stop()
    }

    @Test("If middleware calls next again, only the last call's transaction is committed")
    func again() async throws {
        let app = try await app()
        let response = try await app.send(post("/place", around: "again"))
        #expect(response.status == .accepted)
        #expect(try placed == 1 && records == 1)
        #expect(response.tasks.queued.count == 1)
        try await app.stop()
    }

    @Test("An input that is refused begins no transaction")
    func refusedInput() async throws {
        let app = try await app()
        var request = TestRequest.post("/place", body: Array("{".utf8))
        request.headers[.contentType] = "application/json"
        #expect(try await app.send(request).status.kind == .clientError)
        #expect(try await app.send(post("/place")).status == .accepted)
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

    @Test("A handler that only reads gets a snapshot")
    func snapshot() async throws {
        let app = try await app()
        _ = try await app.send(post("/place"))
        let response = try await app.send(.get("/count"))
        #expect(try response.json([String: Int].self) == ["count": 1])
        try await app.stop()
    }

    // MARK: enqueue(_:in:)

    @Test("The tasks of the application's own transaction run after its commit, in their order")
    func enqueued() async throws {
        let app = try await app()
        let response = try await app.send(post("/write"))
        #expect(taskIDs(of: response) == response.text)
        #expect(response.tasks.queued.map(\.name) == ["Book", "Note"])
        try await response.tasks.runAll()
        #expect(try balance == 1 && records == 2)
        #expect(try value("SELECT count(*) FROM postlude_record WHERE state = 2") == 2)
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

    // MARK: context.transaction

    @Test("An attempt that fails changes nothing; the one that commits is the last")
    func exactlyOnce() async throws {
        let app = try await app()
        let retried = try await app.send(post("/place", Placing(order: 1, end: "retry")))
        try await retried.tasks.runAll()
        #expect(try balance == 1)
        #expect(try value("SELECT attempts FROM postlude_record") == 2)
        let thrower = try await app.send(post("/place", Placing(order: 13)))
        try await thrower.tasks.runAll()
        #expect(try balance == 2)
        #expect(try value("SELECT count(*) FROM postlude_record WHERE state = 2") == 2)
        try await app.stop()
    }

    // MARK: Checks

    private struct Mistaken: Application {
        var database: DatabasePool?
        init() {}
        init(_ database: DatabasePool?) { self.database = database }

        var handlers: Handlers {
            Handler("async") { (transaction: Transaction<SQLite>) async throws -> String in
                await Task.yield()
                return ""
            }
            Handler("early") { (_: Transaction<SQLite>, _: JSONBody<Placing>) throws -> String in "" }
            Handler("two") { (_: Transaction<SQLite>, _: Snapshot<SQLite>) throws -> String in "" }
            Handler("right") { (_: Transaction<SQLite>) throws -> String in "" }
        }
        var taskEngine: TaskEngine? {
            database.map { .durable(in: .database($0)) { Note.self } } ?? .durable { Note.self }
        }
    }

    @Test("Handlers that cannot have their transaction are reported by check")
    func checks() async throws {
        let manifest = "task-store: { keep: 1h }\nroutes: [{ path: /, method: GET, handler: right }]"
        let problems = try #require(
            { () -> String? in
                do {
                    _ = try Mistaken(database).registeredHandlers.manifest(manifest, file: "routes.yaml")
                    return nil
                } catch {
                    return "\(error)"
                }
            }())
        #expect(problems.contains("handler \"async\": Transaction<SQLite> needs a handler that is not async"))
        #expect(
            problems.contains("handler \"early\": JSONBody<Placing> must come before Transaction<SQLite>"))
        #expect(problems.contains("handler \"two\": Transaction<SQLite> and Snapshot<SQLite> cannot be"))
        #expect(!problems.contains("right"))
        let file = Mistaken(nil).registeredHandlers.taskEngineProblems
        #expect(file.contains { $0.hasPrefix("handler \"right\": Transaction<SQLite> needs tasks in the") })
    }

    @Test(
        "The manifest names a path if the tasks have a file of their own, and none otherwise",
        arguments: [
            (true, "", nil), (true, "task-store: { keep: 168h }", nil),
            (true, "task-store: { path: /a }", "1:21: the tasks are in the application's database"),
            (false, "task-store: { keep: 168h }", "1:13: `task-store` has no `path`"),
            (false, "task-store: { path: /a }", nil), (false, "", "the manifest has no `task-store`"),
        ] as [(Bool, String, String?)])
    func manifest(isDatabase: Bool, taskStore: String, expected: String?) throws {
        var handlers = Handlers([Handler("home") { "" }])
        let engine = DurableEngine(
            kinds: DurableTaskKinds([]),
            driver: (isDatabase ? DurableStorage.database(database) : .file).driver)
        handlers.hasTaskEngine = true
        handlers.needsTaskStore = engine.needsTaskStore
        handlers.taskEngineMistakes = { engine.mistakes(in: $0, file: $1) }
        let text = "\(taskStore)\nroutes: [{ path: /, method: GET, handler: home }]"
        var found: String?
        do {
            _ = try handlers.manifest(text, file: "routes.yaml", environment: [:])
        } catch {
            found = "\(error)"
        }
        if let expected { #expect(found?.contains(expected) == true, "\(found ?? "nothing")") }
        if expected == nil { #expect(found == nil) }
    }
}
