import Foundation
import PostludePostgreSQLStore
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("Transactions of the application", .timeLimit(.minutes(10)))
struct TransactionTests {
    /// What an application gets as a connection.
    private final class Connection: ApplicationConnection {
        let transaction: OpenTransaction
        init(_ transaction: OpenTransaction) { self.transaction = transaction }
    }

    private let fixture: PostgreSQLFixture

    init() throws { fixture = try PostgreSQLFixture() }

    private func open(
        _ fixture: PostgreSQLFixture? = nil, connections: Int = 4, lockTimeout: Duration = .seconds(60)
    ) throws -> PostgreSQLTaskStore {
        let fixture = fixture ?? self.fixture
        var settings = TaskStoreSettings()
        settings.lockTimeout = lockTimeout
        let driver = PostgreSQLDriver(.connections(limit: connections, as: Connection.self))
        let store = try driver.open(fixture.place, role: .process, settings: settings)
        _ = try fixture.query("CREATE TABLE IF NOT EXISTS placed (label text PRIMARY KEY)")
        return try #require(store as? PostgreSQLTaskStore)
    }

    private static func insert(_ label: String, _ transaction: any RecordTransaction) throws {
        let connection = try #require(transaction.handle as? Connection)
        _ = try connection.transaction.run("INSERT INTO placed VALUES ($1)", [label])
    }

    private func placed(_ fixture: PostgreSQLFixture? = nil) throws -> [String] {
        try (fixture ?? self.fixture).query("SELECT label FROM placed ORDER BY 1")
    }

    @Test("Rows, records and an answer are committed together, or not at all")
    func together() throws {
        let store = try open()
        let key = try #require(IdempotencyKey(route: "POST /", principals: [], key: "k"))
        func answered(_ request: String) -> NewRequest {
            var new = NewRequest(id: request, records: [.make(), .make()])
            new.answer = NewAnswer(
                StoredAnswer(
                    fingerprint: [1], status: 202,
                    head: .init(reason: "Accepted", contentType: nil, fields: []), body: Data("a".utf8),
                    expires: Date().addingTimeInterval(60)), for: key)
            return new
        }
        struct Undone: Error {}
        #expect(throws: Undone.self) {
            try store.transaction(.write) { transaction in
                try Self.insert("a", transaction)
                _ = try transaction.append(answered("1"))
                throw Undone()
            }
        }
        #expect(try placed().isEmpty && store.list().records.isEmpty)
        let results = try store.transaction(.write) { transaction in
            try Self.insert("b", transaction)
            return try transaction.append(answered("2"))
        }
        #expect(try placed() == ["b"])
        for result in results { #expect(try store.record(result.id)?.owner == store.owner) }
        guard case .answered(let answer) = try store.begin(key) else {
            Issue.record("there is no answer")
            return
        }
        #expect(answer.taskIDs == results.map(\.id.text))
        try store.close()
    }

    @Test(
        "The end of a record is committed with the rows; one that is over, or another process's, cannot end")
    func end() throws {
        let store = try open()
        let ids = try store.append("r", .make(), .make())
        for id in ids { store.started(id) }
        try store.transaction(.write) { transaction in
            try Self.insert("done", transaction)
            try transaction.end(ids[0], .done(result: Data("7".utf8)), attempts: 1)
        }
        store.ended(ids[0], .done(result: nil))
        try store.flush()
        let done = try #require(try store.record(ids[0]))
        #expect(done.state == .done && done.attempts == 1 && done.result == Data("7".utf8))
        _ = try fixture.query("UPDATE postlude.record SET owner = NULL WHERE id = '\(ids[1])'")
        for id in ids {
            let error = taskStoreError {
                try store.transaction(.write) { transaction in
                    try Self.insert("\(id)", transaction)
                    try transaction.end(id, .done(result: nil), attempts: 1)
                }
            }
            #expect(error?.code == .refused)
        }
        #expect(try placed() == ["done"])
        try store.close()
    }

    @Test(
        "A process that is declared dead during a transaction cannot commit records with it, whatever its snapshot shows",
        arguments: ["READ COMMITTED", "SERIALIZABLE"], [true, false])
    func fence(isolation: String, ends: Bool) throws {
        let store = try open()
        let id = try store.append("r", .make())[0]
        store.started(id)
        try store.flush()
        let owner = try #require(store.owner)
        let error = taskStoreError {
            try store.transaction(.write) { transaction in
                let connection = try #require(transaction.handle as? Connection)
                _ = try connection.transaction.run("SET TRANSACTION ISOLATION LEVEL \(isolation)")
                try Self.insert("dead", transaction)
                _ = try fixture.query("UPDATE postlude.owner SET is_dead = true WHERE number = \(owner)")
                if ends {
                    try transaction.end(id, .done(result: nil), attempts: 1)
                } else {
                    _ = try transaction.append(NewRequest(id: "new", records: [.make()]))
                }
            }
        }
        #expect(error != nil)
        #expect(try placed().isEmpty)
        #expect(try fixture.query("SELECT id, state FROM postlude.record") == ["\(id)|1"])
        try store.close()
    }

    @Test(
        "A constraint that is violated at the commit, and a transaction that cannot be serialized, are conflicts"
    )
    func conflicts() throws {
        let store = try open()
        _ = try fixture.query(
            """
            CREATE TABLE account (number integer PRIMARY KEY, balance integer NOT NULL);
            INSERT INTO account VALUES (1, 0);
            CREATE TABLE entry (account integer REFERENCES account DEFERRABLE INITIALLY DEFERRED)
            """)
        let deferred = taskStoreError {
            try store.transaction(.write) { transaction in
                let connection = try #require(transaction.handle as? Connection)
                _ = try connection.transaction.run("INSERT INTO entry VALUES (4711)")
                _ = try transaction.append(NewRequest(id: "r", records: [.make()]))
            }
        }
        #expect(deferred?.code == .conflict)
        let serialized = taskStoreError {
            try store.transaction(.write) { transaction in
                let connection = try #require(transaction.handle as? Connection)
                _ = try connection.transaction.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                _ = try connection.transaction.run("SELECT balance FROM account")
                _ = try fixture.query("UPDATE account SET balance = balance + 1")
                // An application that goes on after the error does not commit the rest.
                _ = try? connection.transaction.run("UPDATE account SET balance = balance + 1")
                _ = try transaction.append(NewRequest(id: "r", records: [.make()]))
            }
        }
        #expect(serialized?.code == .conflict)
        #expect(try store.list().records.isEmpty)
        #expect(try fixture.query("SELECT balance FROM account") == ["1"])
        try store.close()
    }

    @Test(
        "A process has at most its number of connections; a further transaction waits for one, within the lock timeout"
    )
    func bounded() throws {
        let store = try open(connections: 2, lockTimeout: .milliseconds(100))
        let open = try (0..<2).map { _ in
            let transaction = try store.openTransaction(.write)
            try transaction.begin()
            return transaction
        }
        let third = try store.openTransaction(.snapshot)
        #expect(taskStoreError { try third.begin() }?.code == .locked)
        open[0].rollback()
        try third.begin()
        third.rollback()
        try open[1].commit()
        let sessions =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        for _ in 0..<20 { try store.transaction(.write) { _ in } }
        // The store has up to seven, and these are two.
        #expect(try Int(fixture.query(sessions)[0]).map { $0 <= 9 } == true)
        try store.close()
    }

    @Test(
        "Records that several calls append to the application's transaction are one request, in the order of the calls"
    )
    func appended() throws {
        let store = try open()
        let pool = try ConnectionPool(fixture.place + " application_name=other", lockTimeout: .seconds(60))
        let committed = Committed()
        let transaction = try pool.begin(.write, within: .seconds(60))
        let connection = Connection(transaction)
        func append(_ name: String) throws -> RecordID? {
            var request = NewRequest(id: "r", records: [.make(name)])
            let results = try store.append(&request, on: connection) { committed.add($0) }
            return results.first?.id
        }
        _ = try transaction.run("SET search_path = public")
        let first = try append("first")
        struct Undone: Error {}
        #expect(throws: Undone.self) {
            try transaction.savepoint {
                _ = try append("undone")
                throw Undone()
            }
        }
        let last = try append("last")
        #expect(try transaction.run("SHOW search_path").rows == [["public"]])
        #expect(try transaction.run("SHOW enable_seqscan").rows == [["on"]])
        #expect(try store.list().records.isEmpty && committed.ids.isEmpty)
        try transaction.commit()
        let ids = [first, last].compactMap(\.self)
        #expect(committed.ids == Set(ids))
        store.abandon()
        let other = try fixture.openNow()
        var claimed: [ClaimedRequest] = []
        while claimed.isEmpty { claimed = try other.claim() }
        #expect(claimed.map { $0.records.map(\.name) } == [["first", "last"]])
        try other.close()
        pool.close()
    }

    private final class Committed: @unchecked Sendable {
        private let lock = NSLock()
        private var all: Set<RecordID> = []
        var ids: Set<RecordID> { lock.withLock { all } }
        func add(_ ids: Set<RecordID>) { lock.withLock { all.formUnion(ids) } }
    }

    @Test("A transaction of another database is refused")
    func otherDatabase() throws {
        let store = try open()
        let other = try PostgreSQLFixture()
        try other.open().close()
        let pool = try ConnectionPool(other.place, lockTimeout: .seconds(60))
        let transaction = try pool.begin(.write, within: .seconds(60))
        var request = NewRequest(id: "r", records: [.make()])
        let error = taskStoreError {
            _ = try store.append(&request, on: Connection(transaction)) { _ in }
        }
        #expect(error?.reason.contains("the tasks are not in the database") == true)
        transaction.rollback()
        pool.close()
        try store.close()
    }

    @Test(
        "Statements that begin or end a transaction are refused, also after comments",
        arguments: [
            "COMMIT", " \n;rollback", "-- a\nBEGIN", "/* a /* b */ c */ end", "Savepoint a",
            "prepare  transaction 'a'",
        ])
    func refusedStatement(sql: String) throws {
        let pool = try ConnectionPool(fixture.place, lockTimeout: .seconds(60))
        let transaction = try pool.begin(.write, within: .seconds(60))
        #expect(throws: PostgreSQLError.self) { try transaction.run(sql) }
        #expect(try transaction.run("SELECT 'commit'").rows == [["commit"]])
        #expect(throws: PostgreSQLError.self) { try transaction.run("SELECT $1::text", ["a\0b"]) }
        transaction.rollback()
        #expect(throws: PostgreSQLError.self) { try transaction.run("SELECT 1") }
        pool.close()
    }

    @Test(
        "A statement is given up when its request is cancelled, and the next transaction has another connection"
    )
    func cancelled() throws {
        let pool = try ConnectionPool(fixture.place, lockTimeout: .seconds(60))
        let transaction = try pool.begin(.write, within: .seconds(60))
        let end = Date().addingTimeInterval(0.3)
        transaction.cancel { Date() > end }
        #expect(throws: PostgreSQLError.self) { try transaction.run("SELECT pg_sleep(3600)") }
        transaction.rollback()
        let next = try pool.begin(.write, within: .seconds(60))
        #expect(try next.run("SELECT 1").rows == [["1"]])
        next.rollback()
        let sleeping = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(3600)%'"
        while try !fixture.query(sleeping).isEmpty { usleep(20_000) }
        pool.close()
    }
}
