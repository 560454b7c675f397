import GRDB
import PostludeExampleStorage

/// The settings of all users: the database, and the cache in front of it.
struct SettingsStore: Sendable {
    let database: SettingsDatabase
    let cache: SettingsCache

    /// Writes settings, which are on the disk when this returns.
    ///
    /// Two writes of one user are one after the other, in the order of their revisions.
    func save(_ settings: UserSettings, of user: Int) throws -> SavedSettings {
        // After the commit, and before the response. Also after an error, which may have come after a commit.
        defer { cache.forget(user) }
        return try database.open().write { database in
            var new = SavedSettings(userID: user, settings: settings, revision: 1)
            return try new.upsertAndFetch(database) { _ in
                [SavedSettings.Columns.revision.set(to: SavedSettings.Columns.revision + 1)]
            }
        }
    }

    /// - Returns: nil if the user has none.
    func settings(of user: Int) throws -> (SavedSettings, SettingsSource)? {
        switch cache.find(user) {
        case .hit(let saved):
            return (saved, .cache)
        case .miss(let ticket):
            guard let saved = try database.open().read({ try SavedSettings.fetchOne($0, key: user) })
            else { return nil }
            cache.fill(saved, with: ticket)
            return (saved, .database)
        }
    }

    /// Loads a user's settings into the cache for later reads.
    func warm(_ user: Int) throws {
        _ = try settings(of: user)
    }
}
