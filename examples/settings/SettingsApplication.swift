import FoundationEssentials
import Postlude

/// A user's settings: written to SQLite before the response, and loaded into a cache of the process after it.
@main
struct SettingsApplication: Application {
    // One store for all workers. It opens nothing here, because `settings check` creates the application,
    // too.
    let store = SettingsStore(
        database: SettingsDatabase(
            path: ProcessInfo.processInfo.environment["SETTINGS_DATABASE"] ?? "state/settings.sqlite"),
        cache: SettingsCache(capacity: 10_000))

    var handlers: Handlers {
        Handler("home", home)
        Handler("save-settings", save)
        Handler("show-settings", show)
    }

    /// Before the first request: if the database cannot be opened, the process does not start.
    func start() throws { try store.database.open() }

    func stop() throws { try store.database.close() }
}
