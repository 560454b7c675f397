import FoundationEssentials
import GRDB
import PostludeExampleStorage
import Synchronization

/// The database of the accesses. It is opened once, by its first user or when the application starts.
final class AccessDatabase: Sendable {
    private let path: String
    private let pool = Mutex<SharedDatabase?>(nil)

    init(path: String) { self.path = path }

    /// - Throws: `AccessDatabaseError`; the next call tries again.
    @discardableResult
    func open() throws -> SharedDatabase {
        try pool.withLock { pool in
            if let pool { return pool }
            do {
                let opened = try make()
                pool = opened
                return opened
            } catch {
                throw AccessDatabaseError(path: path, reason: error)
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

    private func make() throws -> SharedDatabase {
        let folder = URL(filePath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // A power failure may lose the last accesses, which costs less than a sync for each of them.
        return try SharedDatabase(path: path, isSynced: false, migrator: Self.migrator)
    }

    /// All versions of the schema. A released migration never changes; a later one follows it.
    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("access") { database in
            try database.create(table: Access.databaseTableName) { table in
                table.autoIncrementedPrimaryKey("id")
                table.column("time", .integer).notNull().indexed()
                table.column("path", .text).notNull()
                table.column("status", .integer).notNull()
                table.column("user_agent", .text)
                table.column("milliseconds", .double).notNull()
            }
        }
        return migrator
    }
}
