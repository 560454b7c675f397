import FoundationEssentials
import GRDB
import PostludeExampleStorage
import Synchronization

/// The database of the settings. It is opened once, by its first user or when the application starts.
final class SettingsDatabase: Sendable {
    private let path: String
    private let pool = Mutex<SharedDatabase?>(nil)

    init(path: String) { self.path = path }

    /// - Throws: `SettingsDatabaseError`; the next call tries again.
    @discardableResult
    func open() throws -> SharedDatabase {
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
        // The response says "saved".
        return try SharedDatabase(path: path, isSynced: true, migrator: Self.migrator)
    }

    /// All versions of the schema. A released migration never changes; a later one follows it.
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
