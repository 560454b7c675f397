import PostludeSystem

/// What a scoreboard showed at one moment.
package struct ScoreboardSnapshot: Sendable {
    package var program: String
    /// Seconds since 1970.
    package var started: Int
    package var uptime: Duration
    /// Processes that have ended and were replaced.
    package var replaced: Int
    package var processes: [Process] = []
    /// Of all processes, those that have ended included.
    package var totals = Totals()

    package struct Process: Sendable {
        package var index: Int
        package var pid: Int
        package var generation: Int
        package var state: ProcessState
        package var age: Duration
        package var connections: Int
        package var queuedTasks: Int
        package var runningTasks: Int
        /// Of the queued ones, those for a worker, and those for another attempt of themselves or of the one before.
        package var tasksForWorker: Int
        package var tasksForAttempt: Int
        /// How many workers may run tasks at once.
        package var taskPlaces: Int
        /// Since the oldest task that has not ended was added; nil if there is none.
        package var oldestTask: Duration?
        package var mostBusyWorkers: Int
        package var workers: [Worker] = []
        package var totals = Totals()
    }

    package struct Worker: Sendable {
        package var number: Int
        package var state: WorkerState
        /// How long it has been in this state.
        package var since: Duration
        package var age: Duration
        /// How many requests it has served.
        package var requests: Int
        /// The current request's, or the last one's.
        package var requestDuration: Duration
        package var method: String
        package var target: String
        package var route: String
        package var handler: String
        package var request: String
        /// The current task's name, or the last one's.
        package var task: String
        package var tasksLeft: Int
        /// Whether the worker was writing the text, or has died meanwhile: parts may belong to different requests.
        package var isTorn: Bool
    }

    /// What only grows.
    package struct Totals: Sendable {
        package var requests: UInt64 = 0
        package var requestTime: Duration = .zero
        package var requestTimes = LatencyHistogram()
        package var counters: [ProcessCounter: UInt64] = [:]
        package var tasks: [String: TaskKind] = [:]
        package var routes: [String: RouteAnswers] = [:]

        /// The answers of all routes.
        package var answers: RouteAnswers { routes.values.reduce(into: RouteAnswers()) { $0 += $1 } }

        package subscript(counter: ProcessCounter) -> UInt64 { counters[counter, default: 0] }

        package static func += (left: inout Totals, right: Totals) {
            left.requests &+= right.requests
            left.requestTime += right.requestTime
            left.requestTimes += right.requestTimes
            left.counters.merge(right.counters, uniquingKeysWith: &+)
            for (name, kind) in right.tasks { left.tasks[name, default: TaskKind()] += kind }
            for (name, answers) in right.routes { left.routes[name, default: RouteAnswers()] += answers }
        }
    }
}

/// What is counted of the tasks of one name.
package struct TaskKind: Sendable {
    package var done: UInt64 = 0
    package var failed: UInt64 = 0
    package var retried: UInt64 = 0
    package var dropped: UInt64 = 0
    package var time: Duration = .zero
    package var times = LatencyHistogram()

    package init() {}

    package static func += (left: inout TaskKind, right: TaskKind) {
        left.done &+= right.done
        left.failed &+= right.failed
        left.retried &+= right.retried
        left.dropped &+= right.dropped
        left.time += right.time
        left.times += right.times
    }
}
