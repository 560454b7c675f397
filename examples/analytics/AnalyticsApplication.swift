import FoundationEssentials
import Postlude

/// An API whose accesses are logged to SQLite after the answer, and a page that shows the last hour.
@main
struct AnalyticsApplication: Application {
    // One log for all workers. Nothing is opened here: `analytics check` makes the application, too.
    let log = AccessLog(
        database: AccessDatabase(
            path: ProcessInfo.processInfo.environment["ANALYTICS_DATABASE"] ?? "state/analytics.sqlite"))

    var handlers: Handlers {
        Handler("page", page)
        Handler("data", data)
        Handler("stats", stats)
    }

    /// Before the first request: a database that cannot be opened keeps the process from starting.
    func start() throws { try log.database.open() }

    func stop() throws { try log.database.close() }
}
