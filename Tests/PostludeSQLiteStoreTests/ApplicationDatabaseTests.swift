import Foundation
import GRDB
import PostludeRecordStoreFixtures
import PostludeSystem
import PostludeTaskStore
import Testing

@testable import PostludeSQLiteStore

@Suite("A task store in the application's database")
struct ApplicationDatabaseTests {
    private let fixture: SQLiteDatabaseFixture
    private let database: DatabasePool
    private let committed = Noted<Set<RecordID>>()

    init() throws {
        fixture = try SQLiteDatabaseFixture()
        database = try fixture.database()
    }

    private func entries() throws -> Int { try database.read(count("entry")) }
    private func records() throws -> Int { try database.read(count("postlude_record")) }

    private func count(_ table: String) -> @Sendable (Database) throws -> Int {
        { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") ?? 0 }
    }

    private static func insert(_ database: Database, account: Int? = nil) throws {
        try database.execute(sql: "INSERT INTO account DEFAULT VALUES")
        try database.execute(
            sql: "INSERT INTO entry (account) VALUES (?)",
            arguments: [account.map(Int64.init) ?? database.lastInsertedRowID])
    }

    /// Appends records by a connection of the application.
    @discardableResult
    private func append(
        _ records: NewRecord..., to store: SQLiteTaskStore, on connection: Database
    ) throws -> [RecordID] {
        var request = NewRequest(id: "r", records: records)
        return try store.append(&request, on: connection) { [committed] ids in
            committed.note(ids)
        }.map(\.id)
    }

    // MARK: Opening

    @Test("A database in memory, and one that has no WAL, are refused")
    func refused() throws {
        let memory = try DatabaseQueue()
        let error = try #require(taskStoreError { _ = try SQLiteTaskStore(in: memory) })
        #expect(error.code == .refused && error.reason.contains("in memory"))
        let queue = try DatabaseQueue(path: fixture.path + "-other")
        try queue.write { try $0.execute(sql: "CREATE TABLE a (b)") }
        let other = try #require(taskStoreError { _ = try SQLiteTaskStore(in: queue) })
        #expect(other.code == .refused && other.reason.contains("journal mode delete"))
        #expect(try queue.read { try $0.tableExists("postlude_record") } == false)
    }

    @Test("The migrations are printed, and applied once, also to a database that has no tables of tasks")
    func migrations() throws {
        let driver = SQLiteDatabaseDriver(database)
        let names = TaskStoreSchema.migrations.map(\.name)
        #expect(try driver.pendingMigrations(of: "").contains("CREATE TABLE postlude_record"))
        #expect(try driver.migrate("") == names)
        #expect(try database.read { try $0.tableExists("postlude_record") })
        #expect(try driver.pendingMigrations(of: "").isEmpty && driver.migrate("").isEmpty)
    }

    @Test("The application's commits are durable, its own marks stay, and its migrator goes on")
    func marks() throws {
        try database.write { try $0.execute(sql: "PRAGMA application_id = 7; PRAGMA user_version = 8") }
        var migrator = DatabaseMigrator()
        migrator.registerMigration("first") { try $0.execute(sql: "CREATE TABLE a (b)") }
        try migrator.migrate(database)
        let store = try fixture.open(in: database)
        _ = try store.append("r", .make())
        let marks = try database.writeWithoutTransaction { database in
            try ["synchronous", "application_id", "user_version"].map {
                try Int.fetchOne(database, sql: "PRAGMA \($0)")
            }
        }
        #expect(marks == [2, 7, 8])
        migrator.registerMigration("second") { try $0.execute(sql: "CREATE TABLE c (d)") }
        #expect(try database.read(migrator.hasBeenSuperseded) == false)
        try migrator.migrate(database)
        try store.close()
        // The application goes on after the task store is closed, and it can be opened again.
        try database.write { try Self.insert($0) }
        let again = try fixture.open(in: database)
        #expect(try again.counts()[.waiting] == 1)
        try again.close()
    }

    @Test("Tables of a later version are refused; a visitor makes none")
    func versions() throws {
        #expect(taskStoreError { _ = try fixture.open(in: database, role: .visitor) }?.code == .missing)
        try fixture.open(in: database).close()
        try fixture.open(in: database, role: .visitor).close()
        try database.write {
            try $0.execute(sql: "INSERT INTO postlude_migration (name, time) VALUES ('later', 0)")
        }
        #expect(taskStoreError { _ = try fixture.open(in: database) }?.code == .newer)
    }

    @Test("A busy mode that does not wait is reported")
    func busyMode() throws {
        let warnings = Noted<String>()
        let eager = try DatabasePool(path: fixture.path)
        try fixture.open(in: eager) { $0.warn = { warnings.note($0) } }.close()
        #expect(warnings.all.contains { $0.contains("busyMode") })
    }

    @Test("The task store makes the checkpoints of the application's commits")
    func checkpoints() throws {
        let store = try fixture.open(in: database)
        let text = String(repeating: "x", count: 40_000)
        try database.write { try $0.execute(sql: "CREATE TABLE large (text TEXT)") }
        // A checkpoint may find the lock taken, and is then made after the next commit.
        var commits = 0
        repeat {
            try database.write { database in
                for _ in 0..<30 {
                    try database.execute(sql: "INSERT INTO large VALUES (?)", arguments: [text])
                }
            }
            commits += 1
        } while try store.pool.read({ try $0.checkpointedPages() }) == 0 && commits < 1_000
        #expect(commits < 1_000)
        try store.close()
    }

    // MARK: Transactions of the application

    @Test("Records exist if the application's transaction commits, and not otherwise")
    func append() throws {
        let store = try fixture.open(in: database)
        let ids = try database.write { database in
            try Self.insert(database)
            let ids = try append(.make(), .make(), to: store, on: database)
            #expect(committed.all.isEmpty)
            return ids
        }
        #expect(committed.all == [Set(ids)])
        let record = try #require(try store.record(ids[1]))
        #expect(record.owner == store.owner && record.position == 1)
        #expect(throws: CancellationError.self) {
            try database.write { database in
                try Self.insert(database)
                try append(.make(), to: store, on: database)
                throw CancellationError()
            }
        }
        #expect(committed.all == [Set(ids), []])
        #expect(try entries() == 1 && records() == 2)
        try store.close()
    }

    @Test("A savepoint that is rolled back takes its records with it; the others keep their order")
    func savepoint() throws {
        let store = try fixture.open(in: database)
        let ids = try database.write { database in
            let first = try append(.make("a"), to: store, on: database)
            var dropped: [RecordID] = []
            try database.inSavepoint {
                dropped = try append(.make("b"), .make("c"), to: store, on: database)
                return .rollback
            }
            let last = try append(.make("d"), to: store, on: database)
            return first + dropped + last
        }
        #expect(committed.all == [[ids[0]], [], [ids[3]]])
        store.releaseLock()
        let other = try fixture.open(in: try fixture.database())
        // One request, in its order.
        #expect(try other.claimedIDs() == [[ids[0], ids[3]]])
        try other.close()
    }

    @Test("The records of one transaction are one request, whose records behind a failed one stop")
    func order() throws {
        let store = try fixture.open(in: database)
        let ids = try database.write { database in
            try append(.make { $0.stopsOnFailure = true }, to: store, on: database)
                + append(.make { $0.queue = "q" }, to: store, on: database)
                + append(.make(), to: store, on: database)
        }
        #expect(try ids.map { try store.record($0)?.position } == [0, 1, 2])
        #expect(try store.state(of: ids[1]) == .waiting, "it is published in its turn")
        store.started(ids[0])
        store.ended(ids[0], .failed(error: "no"))
        #expect(try ids.map { try store.state(of: $0) } == [.failed, .failed, .failed])
        try store.close()
    }

    @Test("A unique key is decided in the transaction")
    func unique() throws {
        let store = try fixture.open(in: database)
        let keyed = NewRecord.make { $0.uniqueKey = "k" }
        let ids = try database.write { database in
            try append(keyed, to: store, on: database) + append(keyed, to: store, on: database)
        }
        #expect(ids[0] == ids[1])
        #expect(committed.all == [[ids[0]], [ids[0]]])
        try store.close()
    }

    @Test("Another database, no transaction, and a commit that is not durable are refused")
    func wrongConnection() throws {
        let store = try fixture.open(in: database)
        func refusal(_ body: () throws -> Void) -> String? {
            let error = taskStoreError(body)
            return error?.code == .refused ? error?.reason : nil
        }
        let memory = try DatabaseQueue()
        #expect(
            refusal { try memory.write { _ = try append(.make(), to: store, on: $0) } }?.contains("in memory")
                == true)
        #expect(
            refusal { try database.writeWithoutTransaction { _ = try append(.make(), to: store, on: $0) } }?
                .contains("not in a transaction") == true)
        let other = try fixture.database()
        #expect(
            refusal { try other.write { _ = try append(.make(), to: store, on: $0) } }?
                .contains("not on the disk") == true)
        let file = try SQLiteFileFixture().open()
        var request = NewRequest(id: "r", records: [.make()])
        #expect(
            refusal { _ = try database.write { _ = try file.append(&request, on: $0) { _ in } } }?
                .contains("a file of their own") == true)
        #expect(try records() == 0)
        try file.close()
        try store.close()
    }

    // MARK: Transactions of handlers and tasks

    @Test("A transaction has the application's rows and records, or neither")
    func transaction() throws {
        let store = try fixture.open(in: database)
        let ids = try store.transaction(.write) { transaction in
            try Self.insert(try #require(transaction.handle as? Database))
            return try transaction.append(NewRequest(id: "r", records: [.make()])).map(\.id)
        }
        #expect(try store.record(ids[0])?.owner == store.owner)
        #expect(throws: CancellationError.self) {
            try store.transaction(.write) { transaction in
                try Self.insert(try #require(transaction.handle as? Database))
                _ = try transaction.append(NewRequest(id: "r", records: [.make()]))
                throw CancellationError()
            }
        }
        #expect(try entries() == 1 && records() == 1)
        try store.close()
    }

    @Test("The body is called on the calling thread, and the transaction can be committed on another one")
    func threads() async throws {
        let store = try fixture.open(in: database)
        // A class that is not Sendable, used by one thread after another.
        nonisolated(unsafe) let transaction = try store.openTransaction(.write)
        let thread = pthread_self()
        try transaction.perform {
            try transaction.begin()
            #expect(pthread_equal(pthread_self(), thread) != 0)
            try Self.insert(try #require(transaction.handle as? Database))
        }
        try await onThread { try transaction.commit() }
        #expect(try entries() == 1)
        try store.close()
    }

    @Test("What a deferred constraint refuses at the commit is a conflict, and nothing is half done")
    func conflict() throws {
        let store = try fixture.open(in: database)
        let error = taskStoreError {
            try store.transaction(.write) { transaction in
                try Self.insert(try #require(transaction.handle as? Database), account: 4711)
                _ = try transaction.append(NewRequest(id: "r", records: [.make()]))
            }
        }
        #expect(error?.code == .conflict)
        #expect(try entries() == 0 && records() == 0)
        // The connection is used again.
        try store.transaction(.write) { try Self.insert(try #require($0.handle as? Database)) }
        #expect(try entries() == 1)
        try store.close()
    }

    @Test("Writers of one process wait for their turns; the second gives up at its deadline")
    func turns() async throws {
        let store = try fixture.open(in: database, lockTimeout: .milliseconds(50))
        // A class that is not Sendable, used by one thread at a time.
        nonisolated(unsafe) let first = try store.openTransaction(.write)
        try first.perform { try first.begin() }
        #expect(taskStoreError { try store.transaction(.write) { _ in } }?.code == .locked)
        #expect(taskStoreError { _ = try store.append("r", .make()) }?.code == .locked)
        try first.commit()
        _ = try store.append("r", .make())
        try store.transaction(.write) { _ in }
        try store.close()
    }

    @Test("A snapshot does not change, does not wait, and refuses to write")
    func snapshot() throws {
        let store = try fixture.open(in: database)
        try store.transaction(.snapshot) { snapshot in
            let connection = try #require(snapshot.handle as? Database)
            try database.write { try Self.insert($0) }
            #expect(try count("entry")(connection) == 0)
            #expect(throws: DatabaseError.self) { try Self.insert(connection) }
        }
        #expect(try entries() == 1)
        // Its connection writes again.
        try store.transaction(.write) { try Self.insert(try #require($0.handle as? Database)) }
        #expect(try entries() == 2)
        try store.close()
    }

    @Test("The end of a record is in the transaction of its effect, once, in one process")
    func end() throws {
        let store = try fixture.open(in: database)
        let id = try store.append("r", .make())[0]
        store.started(id)
        func work(in store: SQLiteTaskStore) throws {
            try store.transaction(.write) { transaction in
                try Self.insert(try #require(transaction.handle as? Database))
                try transaction.end(id, .done(result: Data("7".utf8)))
            }
        }
        try work(in: store)
        store.ended(id, .failed(error: "too late"))
        #expect(taskStoreError { try work(in: store) }?.code == .refused)
        try store.flush()
        let record = try #require(try store.record(id))
        #expect(record.state == .done && record.attempts == 1 && record.result == Data("7".utf8))
        #expect(record.started == fixture.clock.now)
        #expect(try entries() == 1)
        try store.close()
    }

    @Test("A process that is considered dead cannot end a record that another one has claimed")
    func fence() throws {
        let store = try fixture.open(in: database)
        let id = try store.append("r", .make())[0]
        store.started(id)
        try store.flush()
        store.releaseLock()
        let other = try fixture.open(in: try fixture.database())
        _ = try other.claim()
        fixture.clock.advance(10)
        _ = try other.claim()
        let refused = taskStoreError {
            try store.transaction(.write) { try $0.end(id, .done(result: nil)) }
        }
        #expect(refused?.code == .refused)
        other.started(id)
        try other.transaction(.write) { try $0.end(id, .done(result: nil)) }
        #expect(try other.state(of: id) == .done)
        try other.close()
    }
}

extension Database {
    /// The number of pages of the WAL that are in the file.
    fileprivate func checkpointedPages() throws -> Int {
        // The size of the file itself shows it: it grows only by a checkpoint.
        let path = try String.fetchOne(self, sql: "SELECT file FROM pragma_database_list") ?? ""
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
        return size / 4096 / 100
    }
}

/// What closures have noted.
private final class Noted<Value: Sendable>: Sendable {
    private let values = Lock<[Value]>([])

    var all: [Value] { values.withLock { $0 } }
    func note(_ value: Value) { values.withLock { $0.append(value) } }
}
