import FoundationEssentials
import GRDB
import PostludeExampleStorage
import Synchronization

/// The ledger and the payment provider's charges, in one SQLite file. It is opened once, when the application
/// starts.
final class OrdersDatabase: Sendable {
    private let path: String
    private let pool = Mutex<SharedDatabase?>(nil)

    init(path: String) { self.path = path }

    /// In the folder that systemd gives a service, and `examples/serve` gives an example.
    static var inStateFolder: OrdersDatabase {
        let folder = ProcessInfo.processInfo.environment["STATE_DIRECTORY"] ?? "/var/lib/orders"
        return OrdersDatabase(path: folder + "/orders.sqlite")
    }

    /// - Throws: `OrdersDatabaseError`; the next call tries again.
    @discardableResult
    func open() throws -> SharedDatabase {
        try pool.withLock { pool in
            if let pool { return pool }
            do {
                let opened = try make()
                pool = opened
                return opened
            } catch {
                throw OrdersDatabaseError(path: path, reason: error)
            }
        }
    }

    /// Closes the database. No other thread may use it any more.
    func close() throws {
        try pool.withLock { pool in
            try pool?.close()
            pool = nil
        }
    }

    /// - Returns: the number of the first charge with that key.
    func charge(_ order: String, key: String) throws -> Int64 { try insert(order, key: key, into: "charge") }

    /// - Returns: the number of the first entry with that key.
    func enter(_ order: String, key: String) throws -> Int64 { try insert(order, key: key, into: "ledger") }

    private func insert(_ order: String, key: String, into table: String) throws -> Int64 {
        try open().write { database in
            try database.execute(
                sql: "INSERT OR IGNORE INTO \(table) (key, placed_order) VALUES (?, ?)",
                arguments: [key, order])
            let sql = "SELECT number FROM \(table) WHERE key = ?"
            return try Int64.fetchOne(database, sql: sql, arguments: [key]) ?? 0
        }
    }

    private func make() throws -> SharedDatabase {
        let folder = URL(filePath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return try SharedDatabase(path: path, isSynced: true, migrator: Self.migrator)
    }

    /// All versions of the schema.
    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("orders") { database in
            for name in ["charge", "ledger"] {
                try database.create(table: name) { table in
                    table.autoIncrementedPrimaryKey("number")
                    // The task's id, so that repeated work is done once.
                    table.column("key", .text).notNull().unique()
                    table.column("placed_order", .text).notNull()
                }
            }
        }
        return migrator
    }
}

/// A database that cannot be opened.
struct OrdersDatabaseError: Error, CustomStringConvertible {
    let path: String
    let reason: any Error

    var description: String {
        "the database \(path) cannot be opened: \(reason); STATE_DIRECTORY names its folder"
    }
}
