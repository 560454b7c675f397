import FoundationEssentials
import GRDB
import PostludeExampleStorage
import Synchronization

/// The database of the settings, opened once: when the application starts, or by whoever needs it first.
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
        // The answer says "saved".
        return try SharedDatabase(path: path, isSynced: true, migrator: Self.migrator)
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
