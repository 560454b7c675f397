import Foundation
import GRDB
import GRDBSQLite
import PostludeRecordStoreFixtures
import PostludeSystem
import PostludeTaskStore
import Testing

@testable import PostludeSQLiteStore

@Suite("What limits cost", .timeLimit(.minutes(10)))
struct LimitCostTests {
    private static let limits = [
        RecordLimit(
            name: "limited", running: 2, rate: RecordRate(count: 100, period: 1_000), member: "customer")
    ]

    @Test("A record without a limit takes no other statements than before, also if other records have one")
    func others() throws {
        let fixture = try SQLiteFileFixture()
        func statements(_ limits: [RecordLimit], of body: (SQLiteTaskStore) throws -> Void) throws -> [String]
        {
            let taskStore = try fixture.open { $0.noteDelay = .seconds(3600) }
            try taskStore.setLimits(limits, of: ["limited", "charge"])
            // Others are waiting.
            if !limits.isEmpty {
                var record = NewRecord.make("limited")
                record.limitKey = "a"
                _ = try taskStore.append(NewRequest(id: "r", records: [record, record, record]))
            }
            let log = StatementLog()
            taskStore.pool.unsafeReentrantWrite { log.attach(to: $0) }
            try body(taskStore)
            try taskStore.close()
            // The number of the transaction is in the text of a statement.
            return log.statements.filter { !$0.hasPrefix("PRAGMA user_version") }
        }
        let run = { (taskStore: SQLiteTaskStore) in
            let id = try taskStore.append("r", .make())[0]
            taskStore.started(id)
            taskStore.ended(id, .done(result: nil))
            try taskStore.flush()
        }
        let without = try statements([], of: run)
        let withLimits = try statements(Self.limits, of: run)
        #expect(without == withLimits)
    }

    @Test("No statement of a claim with limits scans a table", arguments: TableNames.allCases)
    func plans(names: TableNames) throws {
        let fixture = try SQLiteFileFixture()
        let database = try SQLiteDatabaseFixture()
        let taskStore =
            switch names {
            case .plain: try fixture.open()
            case .prefixed: try database.open(in: try database.database())
            }
        let statements: [TaskStoreSQL] = [
            LimitTables.due, LimitTables.first, LimitTables.firstDue, LimitTables.nextDue,
            LimitTables.ownedCount, LimitTables.record, LimitTables.own, LimitTables.openBefore,
            LimitTables.openBehind, LimitTables.suspectBehind, LimitTables.clock, LimitTables.dueKeys,
            LimitTables.nextKey, LimitTables.setKey, LimitTables.beginnings, LimitTables.oldest,
            LimitTables.removeBeginnings, LimitTables.addKeysOfOwner, LimitTables.addKeysBehind,
            LimitTables.hasKeys, LimitTables.uses, LimitTables.dueCount, LimitTables.beginningsSince,
        ]
        try taskStore.pool.read { database in
            for statement in statements {
                let sql = statement.text(names)
                let numbered = (1...9).last { sql.contains("?\($0)") }
                let count = numbered ?? sql.filter { $0 == "?" }.count
                let plan = try Row.fetchAll(
                    database, sql: "EXPLAIN QUERY PLAN " + sql,
                    arguments: StatementArguments(Array(repeating: 1, count: count))
                ).map { $0["detail"] as String? ?? "" }
                let tables = ["record", "limit_key", "limit_begin", "limit_name"].map { names.prefix + $0 }
                #expect(
                    !plan.contains { detail in tables.contains { detail.hasPrefix("SCAN \($0)") } },
                    "\(sql): \(plan)")
            }
        }
        try taskStore.close()
    }

    @Test("With 20,000 waiting records of a key, a claim for another key takes few steps")
    func many() throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        try taskStore.setLimits(Self.limits, of: ["limited"])
        var record = NewRecord.make("limited")
        record.limitKey = "a"
        for _ in 0..<20 {
            var request = NewRequest(id: "a", records: Array(repeating: record, count: 1_000))
            request.runsHere = false
            _ = try taskStore.append(request)
        }
        #expect(try taskStore.claim(8).count == 2)
        record.limitKey = "b"
        _ = try taskStore.append("b", record, runsHere: false)
        let log = StatementLog()
        taskStore.pool.unsafeReentrantWrite { log.attach(to: $0) }
        #expect(try taskStore.claim(8).map(\.id) == ["b"])
        #expect(log.steps < 5_000, "\(log.steps)")
        #expect(try taskStore.claim(8).isEmpty)
        try taskStore.close()
    }
}

/// The statements that a connection runs, and the instructions of SQLite's virtual machine.
private final class StatementLog: Sendable {
    private let all = Lock<[String]>([])
    private let counted = Lock(0)

    var statements: [String] { all.withLock { $0 } }
    var steps: Int { counted.withLock { $0 } * 10 }

    /// The log must live as long as the connection.
    func attach(to database: Database) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        sqlite3_trace_v2(
            database.sqliteConnection, UInt32(SQLITE_TRACE_STMT),
            { _, context, statement, _ in
                guard let context, let statement, let text = sqlite3_sql(OpaquePointer(statement)) else {
                    return 0
                }
                let log = Unmanaged<StatementLog>.fromOpaque(context).takeUnretainedValue()
                log.all.withLock { $0.append(String(cString: text)) }
                return 0
            }, context)
        sqlite3_progress_handler(
            database.sqliteConnection, 10,
            { context in
                guard let context else { return 0 }
                Unmanaged<StatementLog>.fromOpaque(context).takeUnretainedValue().counted.withLock { $0 += 1 }
                return 0
            }, context)
    }
}
