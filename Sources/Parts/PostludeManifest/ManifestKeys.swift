/// The keys that one kind of mapping in a manifest accepts.
///
/// These enumerations are the only list of keys. The decoder can ask for no other keys, it reports all other keys in a
/// file, and tests compare the schema with them.
protocol ManifestKey: RawRepresentable<String>, CaseIterable, Hashable, Sendable {
    /// The mapping's name in diagnostics, as in "unknown key x in …".
    static var mapping: String { get }
    /// Returns advice about a key that the mapping does not accept; `nil` to suggest the nearest key.
    static func advice(for unknown: String) -> String?
}

extension ManifestKey {
    static func advice(for unknown: String) -> String? { nil }
}

/// The manifest itself.
enum ManifestRootKey: String, ManifestKey {
    case prefix
    case listen
    case processes
    case workers
    case overload
    case limits
    case tasks
    case shutdownGrace = "shutdown-grace"
    case log
    case status
    case files
    case uploads
    case taskStore = "task-store"
    case durableTasks = "durable-tasks"
    case schedules
    case celery
    case openapi
    case routes

    static let mapping = "the manifest"
}

/// An item of `routes`.
enum RouteKey: String, ManifestKey {
    case path
    case regex
    case method
    case methods
    case handler
    case middleware
    case limits
    case tasks
    case idempotency
    case operationID = "operation-id"
    case summary
    case description
    case tags
    case deprecated

    static let mapping = "a route"
}

/// A group of routes in `routes`.
enum RouteGroupKey: String, ManifestKey {
    case prefix
    case middleware
    case limits
    case tasks
    case idempotency
    case routes

    static let mapping = "a group of routes"
}

/// `idempotency` of a route or a group.
enum IdempotencyKey: String, ManifestKey {
    case key
    case keep

    static let mapping = "`idempotency`"
}

/// `workers`.
enum WorkersKey: String, ManifestKey {
    case min
    case max
    case reservedForRequests = "reserved-for-requests"
    case idleTime = "idle-time"

    static let mapping = "`workers`"
}

/// `limits` for all routes.
enum LimitsKey: String, ManifestKey {
    case head
    case body
    case headTime = "head-time"
    case readTime = "read-time"
    case writeTime = "write-time"
    case requestTimeout = "request-timeout"
    case slowTime = "slow-time"
    case killTime = "kill-time"
    case eventStreams = "event-streams"

    static let mapping = "`limits`"
}

/// `limits` of one route. It has no limits of the head, which is read before the route is known.
enum RouteLimitsKey: String, ManifestKey {
    case body
    case readTime = "read-time"
    case writeTime = "write-time"
    case requestTimeout = "request-timeout"
    case slowTime = "slow-time"
    case killTime = "kill-time"

    static let mapping = "a route's `limits`"

    static func advice(for unknown: String) -> String? {
        let isGlobal = LimitsKey(rawValue: unknown) != nil
        return isGlobal ? "only the `limits` of the manifest itself can have it" : nil
    }
}

/// `tasks`, for all routes and for one.
enum TasksKey: String, ManifestKey {
    case warn
    case deadline
    case killTime = "kill-time"
    case maxQueued = "max-queued"
    case whenFull = "when-full"

    static let mapping = "`tasks`"
}

/// `log`.
enum LogKey: String, ManifestKey {
    case level
    case to
    case access

    static let mapping = "`log`"
}

/// `files`.
enum FilesKey: String, ManifestKey {
    case root
    case `internal`

    static let mapping = "`files`"
}

/// `uploads`.
enum UploadsKey: String, ManifestKey {
    case folder

    static let mapping = "`uploads`"
}

/// `task-store`.
enum TaskStoreKey: String, ManifestKey {
    case path
    case keep
    case keepFailed = "keep-failed"
    case lockTimeout = "lock-timeout"
    case maxAnswers = "max-answers"

    static let mapping = "`task-store`"
}

/// `celery`.
enum CeleryKey: String, ManifestKey {
    case broker
    case results

    static let mapping = "`celery`"
}

/// `openapi`.
enum OpenAPIKey: String, ManifestKey {
    case title
    case version
    case description
    case document
    case page

    static let mapping = "`openapi`"
}

/// `listen`.
enum ListenKey: String, ManifestKey {
    case address
    case owner
    case group
    case mode
    case backlog
    case allow
    case allowUsers = "allow-users"

    static let mapping = "`listen`"
}

/// `processes`.
enum ProcessesKey: String, ManifestKey {
    case count
    case maxRequests = "max-requests"
    case maxMemory = "max-memory"
    case watchdog

    static let mapping = "`processes`"
}

/// `overload`.
enum OverloadKey: String, ManifestKey {
    case whenBusy = "when-busy"
    case wait
    case retryAfter = "retry-after"

    static let mapping = "`overload`"
}

/// `status`.
enum StatusKey: String, ManifestKey {
    case listen
    case owner
    case group
    case mode
    case taskActions = "task-actions"
    case viewers
    case operators
    case userHeader = "user-header"
    case problems

    static let mapping = "`status`"
}

/// `problems` in `status`.
enum ProblemsKey: String, ManifestKey {
    case deadLetters = "dead-letters"
    case outage
    case oldestTask = "oldest-task"
    case busyTime = "busy-time"
    case errors
    case restarts

    static let mapping = "`problems`"
}

/// `access` in `log`.
enum AccessKey: String, ManifestKey {
    case to
    case format

    static let mapping = "`access`"
}

/// The settings of one kind in `durable-tasks`.
enum DurableTaskKey: String, ManifestKey {
    case attempts
    case delay
    case factor
    case maximumDelay = "maximum-delay"
    case jitter
    case deadline
    case expiry
    case priority
    case runs
    case rerouting
    case running
    case per
    case rate
    case order

    static let mapping = "a kind's `durable-tasks`"
}

/// `runs`, if it is a mapping.
enum ExecutionKey: String, ManifestKey {
    case celery

    static let mapping = "`runs`"
}

/// `rerouting`.
enum ReroutingKey: String, ManifestKey {
    case celery
    case when

    static let mapping = "`rerouting`"
}

/// An item of `schedules`.
enum ScheduleKey: String, ManifestKey {
    case cron
    case timeZone = "time-zone"
    case task
    case arguments
    case overlap

    static let mapping = "a schedule"
}
