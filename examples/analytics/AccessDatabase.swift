import FoundationEssentials
import GRDB
import PostludeExampleStorage
import Synchronization

/// The database of the accesses, opened once: when the application starts, or by whoever needs it first.
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

    /// To be called when nobody reads or writes any more.
    func close() throws {
        try pool.withLock { pool in
            try pool?.close()
            pool = nil
        }
    }

    private func make() throws -> SharedDatabase {
        let folder = URL(filePath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // A power failure may take the last accesses with it, which is cheap compared to a disk's promise for each of
        // them.
        return try SharedDatabase(path: path, isSynced: false, migrator: Self.migrator)
    }

    /// Every version that the schema has had. A released migration is never changed, only followed by another
    /// one.
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
