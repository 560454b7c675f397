internal import PostludeScoreboard
internal import PostludeSystem

/// The report of the status pages. Fields that php-fpm has, too, have php-fpm's names; times are in seconds.
struct StatusReport: Codable, Sendable {
    var pool: String
    /// The reader, as the web server names it; nil if it does not.
    var user: String?
    /// What is wrong, the most urgent first.
    var problems: [StatusProblem] = []
    /// `supervisor`, or `none` for a single process.
    var processManager: String
    /// The start time, in seconds since 1970.
    var startTime: Int
    var startSince: Int
    /// Requests, as php-fpm counts them.
    var acceptedConn: UInt64
    /// The length of the listen queue; nil if the kernel does not report it.
    var listenQueue: Int?
    /// The largest length since the start, sampled each second.
    var maxListenQueue: Int?
    var listenQueueLen: Int?
    var idleWorkers: Int
    var activeWorkers: Int
    var totalWorkers: Int
    var maxActiveWorkers: Int
    /// How many workers the processes that serve may have.
    var workersLimit: Int
    /// How often a request waited although the pool had its maximum size.
    var maxChildrenReached: UInt64
    var slowRequests: UInt64
    var refusedRequests: UInt64
    var timedOutRequests: UInt64
    /// The number of requests with an `Idempotency-Key` that were answered with the answer to an earlier one.
    var repeatedRequests: UInt64
    var replacedProcesses: Int
    var connections: Int
    /// The number of event streams that hold no worker.
    var eventStreams: Int
    /// The durations of requests since the start, like all values that do not name a span.
    var requestDuration: Latency
    /// How long requests had waited when a worker began them, if the web server says when it has sent them.
    var requestWait: Latency
    /// The number of responses by class of status code: `2xx` and so on.
    var responses: [String: UInt64]
    var routes: [Route]
    /// The counts of the last minute, or since sampling began if that is shorter; nil before the first sample.
    /// `lastFiveMinutes` is the same for five minutes.
    var lastMinute: Recent?
    var lastFiveMinutes: Recent?
    var tasks: Tasks
    /// The durable tasks; nil if the application has none.
    var storedTasks: TaskInspectionPages.Answer?
    var processes: [Process]
    /// Nil if it is not requested.
    var history: History?

    /// The JSON Schema of the status pages' answers.
    static var schema: String { String(decoding: PackageResources.status_schema_json, as: UTF8.self) }

    enum Span: Sendable {
        case minute, fiveMinutes

        var duration: Duration { self == .minute ? .seconds(60) : .seconds(300) }
    }

    /// The counts of a span of time that ends now.
    struct Recent: Codable, Sendable {
        /// The actual length of the span in seconds, which can be a few seconds longer than its nominal length.
        var seconds: Double
        var requestDuration: Latency
        var requestWait: Latency
        var taskWait: Latency
        var responses: [String: UInt64]
    }

    /// What a route or a kind of tasks has done in the last five minutes.
    struct Load: Codable, Sendable {
        /// Answers, or attempts that have ended.
        var perSecond: Double
        /// The share of those that were 5xx, or have failed; 0 if there were none.
        var errors: Double
        /// 0 if there were none.
        var meanDuration: Double
        /// Nil if there were none.
        var duration: Percentiles?
        /// How long tasks had waited when their attempts began; nil for routes, and if no attempt has begun.
        var wait: Percentiles?
        /// The share of the time that all requests and tasks have taken.
        var timeShare: Double
    }

    struct Latency: Codable, Sendable {
        var count: UInt64
        var sum: Double
        var p50: Double?
        var p90: Double?
        var p95: Double?
        var p99: Double?
    }

    /// The responses of one route. `none` are requests that no route matches, and `other` the routes for which the
    /// scoreboard had no room.
    struct Route: Codable, Sendable {
        var route: String
        var responses: [String: UInt64]
        /// The durations since the start.
        var duration: Latency
        /// Nil before the first sample.
        var load: Load?
    }

    struct Tasks: Codable, Sendable {
        var queued: Int
        var running: Int
        var done: UInt64
        var failed: UInt64
        var retried: UInt64
        var dropped: UInt64
        /// The age of the oldest task; nil if no task waits or runs.
        var oldestAge: Double?
        /// How long tasks had waited when their attempts began, since they were added or due.
        var wait: Latency
        var names: [Kind]
    }

    /// The tasks of one name.
    struct Kind: Codable, Sendable {
        var name: String
        var done: UInt64
        var failed: UInt64
        var retried: UInt64
        var dropped: UInt64
        /// The durations since the start.
        var duration: Latency
        /// How long they had waited when their attempts began, since the start.
        var wait: Latency
        var lastMinute: Latency?
        var lastFiveMinutes: Latency?
        /// Nil before the first sample.
        var load: Load?
    }

    struct Process: Codable, Sendable {
        var process: Int
        var pid: Int
        var state: String
        var generation: Int
        var startTime: Int
        var startSince: Int
        var requests: UInt64
        var connections: Int
        /// The reasons for which tasks wait in this process, with their numbers; nil if none waits.
        var waitingTasks: String?
        /// The number of workers that may run tasks at the same time.
        var taskSlots: Int
        /// The resident memory in bytes; nil if the kernel does not report it.
        var memory: Int?
        /// The processor time since the start, in seconds; nil if the kernel does not report it.
        var processorTime: Double?
        /// The processor time of the last minute, as a share of one core; nil before the second sample.
        var processorShare: Double?
        var workers: [Worker]
    }

    struct Worker: Codable, Sendable {
        var worker: Int
        var state: String
        /// The time for which the worker has been in this state.
        var stateSince: Double
        var startSince: Int
        var requests: Int
        var requestDuration: Double
        var requestMethod: String
        var requestURI: String
        var route: String
        var handler: String
        var requestID: String
        var task: String
        var tasksLeft: Int
    }
}

// MARK: Names, as php-fpm writes them

extension StatusReport {
    enum CodingKeys: String, CodingKey {
        case pool, user, problems, connections, responses, routes, tasks, processes, history
        case processManager = "process manager"
        case startTime = "start time"
        case startSince = "start since"
        case acceptedConn = "accepted conn"
        case listenQueue = "listen queue"
        case maxListenQueue = "max listen queue"
        case listenQueueLen = "listen queue len"
        case idleWorkers = "idle workers"
        case activeWorkers = "active workers"
        case totalWorkers = "total workers"
        case maxActiveWorkers = "max active workers"
        case workersLimit = "workers limit"
        case maxChildrenReached = "max children reached"
        case slowRequests = "slow requests"
        case refusedRequests = "refused requests"
        case timedOutRequests = "timed out requests"
        case repeatedRequests = "repeated requests"
        case replacedProcesses = "replaced processes"
        case eventStreams = "event streams"
        case requestDuration = "request duration"
        case requestWait = "request wait"
        case storedTasks = "durable tasks"
        case lastMinute = "last minute"
        case lastFiveMinutes = "last five minutes"
    }
}

extension StatusReport.Recent {
    enum CodingKeys: String, CodingKey {
        case seconds, responses
        case requestDuration = "request duration"
        case requestWait = "request wait"
        case taskWait = "task wait"
    }
}

extension StatusReport.Load {
    enum CodingKeys: String, CodingKey {
        case errors, duration, wait
        case perSecond = "per second"
        case meanDuration = "mean duration"
        case timeShare = "time share"
    }
}

extension StatusReport.Kind {
    enum CodingKeys: String, CodingKey {
        case name, done, failed, retried, dropped, duration, wait, load
        case lastMinute = "last minute"
        case lastFiveMinutes = "last five minutes"
    }
}

extension StatusReport.Tasks {
    enum CodingKeys: String, CodingKey {
        case queued, running, done, failed, retried, dropped, wait, names
        case oldestAge = "oldest age"
    }
}

extension StatusReport.Process {
    enum CodingKeys: String, CodingKey {
        case process, pid, state, generation, requests, connections, memory, workers
        case waitingTasks = "waiting tasks"
        case taskSlots = "task slots"
        case processorTime = "processor time"
        case processorShare = "processor share"
        case startTime = "start time"
        case startSince = "start since"
    }
}

extension StatusReport.Worker {
    enum CodingKeys: String, CodingKey {
        case worker, state, requests, route, handler, task
        case stateSince = "state since"
        case startSince = "start since"
        case requestDuration = "request duration"
        case requestMethod = "request method"
        case requestURI = "request uri"
        case requestID = "request id"
        case tasksLeft = "tasks left"
    }
}
