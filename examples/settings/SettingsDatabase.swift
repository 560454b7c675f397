import FoundationEssentials
import GRDB
import Synchronization

/// The database of the settings, opened once: when the application starts, or by whoever needs it first.
final class SettingsDatabase: Sendable {
    private let path: String
    private let pool = Mutex<DatabasePool?>(nil)

    init(path: String) { self.path = path }

    /// - Throws: `SettingsDatabaseError`; the next call tries again.
    @discardableResult
    func open() throws -> DatabasePool {
        try pool.withLock { pool in
            if let pool { return pool }
            do {
                let opened = try make()
                pool = opened
                return opened
            } catch {
                throw SettingsDatabaseError(path: path, reason: error)
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
        // A pool keeps its file in WAL mode: readers do not wait for a writer, nor a writer for them.
        let pool = try DatabasePool(path: path, configuration: configuration)
        // In WAL mode GRDB leaves the last commits to the operating system. Our answer promises more.
        try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        try Self.migrator.migrate(pool)
        return pool
    }

    /// Every version that the schema has had. A released migration is never changed, only followed by another
    /// one.
    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("settings") { database in
            try database.create(table: SavedSettings.databaseTableName) { table in
                table.primaryKey("user_id", .integer)
                table.column("theme", .text).notNull()
                table.column("language", .text).notNull()
                table.column("newsletter", .boolean).notNull()
                table.column("revision", .integer).notNull()
            }
        }
        return migrator
    }
}
