import FoundationEssentials
import GRDB
import Synchronization

/// The database of the accesses, opened once: when the application starts, or by whoever needs it first.
final class AccessDatabase: Sendable {
    private let path: String
    private let pool = Mutex<DatabasePool?>(nil)

    init(path: String) { self.path = path }

    /// - Throws: `AccessDatabaseError`; the next call tries again.
    @discardableResult
    func open() throws -> DatabasePool {
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
            // Readers first: the last connection copies the WAL into the database and removes it, which only the
            // writer may.
            pool?.releaseMemory()
            try pool?.close()
            pool = nil
        }
    }

    private func make() throws -> DatabasePool {
        let folder = URL(filePath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var configuration = Configuration()
        // Other programs may have the file open: wait for the end of what they write.
        configuration.busyMode = .timeout(5)
        // A pool keeps its file in WAL mode: the page does not wait for those who log. A power failure may
        // take the last accesses with it, which is cheap compared to a disk's promise for each of them.
        let pool = try DatabasePool(path: path, configuration: configuration)
        try Self.migrator.migrate(pool)
        return pool
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
