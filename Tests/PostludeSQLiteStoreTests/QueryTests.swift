import Foundation
import GRDB
import GRDBSQLite
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Synchronization
import Testing

@testable import PostludeSQLiteStore

@Suite("What queries cost", .timeLimit(.minutes(10)))
struct QueryTests {
    @Test("A slow reader in the middle of a read delays no writer")
    func slowReader() throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open(lockTimeout: .seconds(2))
        for number in 0..<520 { _ = try taskStore.append("\(number)", .make()) }
        let other = try fixture.open(role: .visitor)
        try taskStore.pool.read { database in
            let cursor = try Row.fetchCursor(database, sql: "SELECT * FROM record")
            _ = try cursor.next()
            _ = try taskStore.append("during a read", .make())
            #expect(try other.list().records[0].request == "during a read")
            // The reader still sees the data of its start.
            var count = 1
            while try cursor.next() != nil { count += 1 }
            #expect(count == 520)
        }
        try other.close()
        try taskStore.close()
    }

    @Test(
        "No statement for a list, a claim, a removal or the outbox scans the table",
        arguments: TableNames.allCases)
    func plans(names: TableNames) throws {
        let taskStore = try Self.open(names)
        let statements: [TaskStoreSQL] = [
            Claim.nextDue, Claim.nextUnsuspected, Claim.nextSuspect, Claim.dueSuspect, Claim.owned,
            Claim.nextReadable, Claim.dueReadable, SQLiteTaskStore.countingUnreadable,
            Claim.headOf, Claim.ownedBehind, Claim.release, Claim.expire,
            Claim.due, Claim.expiringThatStop, Claim.postpone, RecordOrder.stopBehind, RecordOrder.firstOpen,
            RecordOrder.stopped, RecordOrder.blocker,
            Claim.behind, Claim.together, Claim.own, SQLiteTaskStore.removal,
            SQLiteTaskStore.oldestOwned, SQLiteTaskStore.newest,
            SQLitePublisher.outgoing, RecordRow.withID, RecordRow.summaryWithID, SQLiteTaskStore.starting,
            SQLiteTaskStore.unfinishedWithKey, SQLiteTaskStore.holder,
            "UPDATE ~record SET owner = NULL WHERE owner = ? AND state = 0",
            "SELECT * FROM ~record WHERE \(SQLiteTaskStore.isNumbered)", SQLiteTaskStore.unfinished,
            RecordNames.list, NumberListing.all, NumberListing.allBackwards, NumberListing.part,
            NumberListing.partBackwards,
        ]
        let sorted = [
            Claim.due, Claim.dueReadable, Claim.nextDue, Claim.nextUnsuspected, Claim.nextReadable,
            SQLiteTaskStore.newest,
        ].map(
            \.description)
        let table = "\(names.prefix)record"
        try taskStore.pool.read { database in
            for statement in statements {
                // Unbound parameters are NULL, which changes no plan.
                let sql = statement.text(names)
                let plan = try Row.fetchAll(
                    try database.makeStatement(sql: "EXPLAIN QUERY PLAN " + sql),
                    arguments: try Self.arguments(of: sql, in: database)
                ).map { $0["detail"] as String? ?? "" }
                // record_owned is searched for an oldest due record: it holds the records that processes own.
                let scans = plan.filter {
                    $0.hasPrefix("SCAN \(table)") && !$0.contains("USING INDEX \(table)_owned")
                }
                #expect(scans.isEmpty, "\(sql): \(plan)")
                if sql.contains("FROM \(names.prefix)suspect") {
                    let byNumber = "USING INTEGER PRIMARY KEY"
                    #expect(plan.contains { $0.contains(byNumber) }, "\(sql): \(plan)")
                }
                if sorted.contains(statement.description) {
                    #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(sql): \(plan)")
                }
            }
        }
        try taskStore.close()
    }

    private static func open(_ names: TableNames) throws -> SQLiteTaskStore {
        switch names {
        case .plain: return try SQLiteFileFixture().open()
        case .prefixed:
            let fixture = try SQLiteDatabaseFixture()
            return try fixture.open(in: try fixture.database())
        }
    }

    private static func arguments(of sql: String, in database: Database) throws -> StatementArguments {
        // Numbered parameters, up to the last; or one for each mark.
        let numbered = (1...9).last { sql.contains("?\($0)") }
        let count = numbered ?? sql.filter { $0 == "?" }.count
        return StatementArguments(Array(repeating: 1, count: count))
    }

    @Test("With 30,000 records no read, claim or write takes many steps, and all records can be exported")
    func many() throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        let visitor = try fixture.open(role: .visitor)
        let payload = Data("\"\(String(repeating: "x", count: 200))\"".utf8)
        for batch in 0..<30 {
            let records = (0..<1_000).map { number in
                var record = NewRecord(name: "task-\(number % 10)", payload: payload)
                record.priority = batch == 15 && number == 7 ? .high : .normal
                return record
            }
            _ = try visitor.append(NewRequest(id: "\(batch)", records: records))
        }
        // The writes run on the writer's connection, and the reads on the pool's first one, since one follows the other.
        let steps = StepCounter()
        taskStore.pool.unsafeReentrantWrite { steps.count(on: $0) }
        try taskStore.pool.read { steps.count(on: $0) }
        /// - Parameters:
        ///   - limit: the largest number of SQLite's instructions. They do not depend on the machine.
        ///   - body: returns whether it found the expected records.
        func takes(_ what: String, atMost limit: Int = 10_000, _ body: () throws -> Bool) throws {
            let before = steps.value
            #expect(try body(), "\(what)")
            #expect(steps.value - before < limit, "\(what)")
        }
        try takes("list") { try taskStore.list().records.count == 50 }
        try takes("list of a rare priority") {
            try taskStore.list(RecordFilter(priority: .high)).records.map(\.request) == ["15"]
        }
        try takes("list of a name") { try taskStore.list(RecordFilter(name: "task-3")).records.count == 50 }
        try takes("list of a state, far behind") {
            try taskStore.list(RecordFilter(states: [.waiting]), after: 12_000).records.first?.number
                == 11_999
        }
        try takes("list of nothing") {
            try taskStore.list(RecordFilter(states: [.failed], name: "task-3")).records.isEmpty
        }
        try takes("counts", atMost: 180_000) { try taskStore.counts()[.waiting] == 30_000 }
        try takes("append") { try taskStore.append("r", .make()).count == 1 }
        try takes("next due") { try taskStore.nextDue() != nil }
        try takes("claim of a request with 1,000 records", atMost: 600_000) {
            try taskStore.claim(1).first?.records.count == 1_000
        }
        var lines = 0
        try taskStore.export { _ in lines += 1 }
        #expect(lines == 30_001)
        try visitor.close()
        try taskStore.close()
    }
}

/// Counts the instructions of SQLite's virtual machine, ten at a time.
private final class StepCounter: Sendable {
    private static let precision = 10
    private let calls = Atomic<Int>(0)

    var value: Int { calls.load(ordering: .relaxed) * Self.precision }

    /// The counter must live as long as the connection.
    func count(on database: Database) {
        sqlite3_progress_handler(
            database.sqliteConnection, Int32(Self.precision),
            { context in
                guard let context else { return 0 }
                Unmanaged<StepCounter>.fromOpaque(context).takeUnretainedValue()
                    .calls.add(1, ordering: .relaxed)
                return 0
            }, Unmanaged.passUnretained(self).toOpaque())
    }
}
