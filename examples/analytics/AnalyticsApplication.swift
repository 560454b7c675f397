import FoundationEssentials
import Postlude

/// An API whose accesses are logged to SQLite after the response, and a page that shows the last hour.
@main
struct AnalyticsApplication: Application {
    // One log for all workers. It opens nothing here, because `analytics check` creates the application, too.
    let log = AccessLog(
        database: AccessDatabase(
            path: ProcessInfo.processInfo.environment["ANALYTICS_DATABASE"] ?? "state/analytics.sqlite"))

    var handlers: Handlers {
        Handler("page", page)
        Handler("data", data)
        Handler("stats", stats)
    }

    /// Before the first request: if the database cannot be opened, the process does not start.
    func start() throws { try log.database.open() }

    func stop() throws { try log.database.close() }
}
