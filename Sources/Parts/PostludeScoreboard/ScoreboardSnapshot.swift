import PostludeSystem

/// The content of a scoreboard at one moment.
package struct ScoreboardSnapshot: Sendable {
    package var program: String
    /// Seconds since 1970.
    package var started: Int
    package var uptime: Duration
    /// The number of processes that have ended and were replaced.
    package var replaced: Int
    package var processes: [Process] = []
    /// The totals of all processes, including those that have ended.
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
        /// The queued tasks that wait for a worker; `tasksForAttempt` are those that wait for another attempt, of their
        /// own or of the task before them.
        package var tasksForWorker: Int
        package var tasksForAttempt: Int
        /// The number of workers that may run tasks at the same time.
        package var taskSlots: Int
        /// The time since the oldest task that has not ended was added; nil if there is none.
        package var oldestTask: Duration?
        /// The task that has waited for the longest time, except for another attempt; nil if none waits.
        package var oldestWaiting: Waiting?
        /// For how long the task store could not be used; nil if it can.
        package var storeOutage: Duration?
        /// For how long the broker has accepted no tasks; nil if it does.
        package var brokerOutage: Duration?
        /// The event streams that hold no worker.
        package var eventStreams = 0
        /// The number of workers that there may be.
        package var workersLimit = 0
        package var mostBusyWorkers: Int
        package var workers: [Worker] = []
        package var totals = Totals()
    }

    /// A task that waits.
    package struct Waiting: Sendable {
        package var age: Duration
        package var reason: WaitingTask.Reason

        package init(age: Duration, reason: WaitingTask.Reason) {
            self.age = age
            self.reason = reason
        }
    }

    package struct Worker: Sendable {
        package var number: Int
        package var state: WorkerState
        /// The time that the worker has been in this state.
        package var since: Duration
        package var age: Duration
        /// The number of requests that the worker has served.
        package var requests: Int
        /// The duration of the current request, or of the last one.
        package var requestDuration: Duration
        package var method: String
        package var target: String
        package var route: String
        package var handler: String
        package var request: String
        /// The name of the current task, or of the last one.
        package var task: String
        package var tasksLeft: Int
        /// Whether the worker was writing the text, or has died in the meantime: parts may belong to different requests.
        package var isTorn: Bool
    }

    /// Counts that only increase.
    package struct Totals: Sendable {
        package var requests: UInt64 = 0
        package var requestTime: Duration = .zero
        package var requestTimes = LatencyHistogram()
        package var requestWaits = Waits()
        package var counters: [ProcessCounter: UInt64] = [:]
        package var tasks: [String: TaskKind] = [:]
        package var routes: [String: RouteCounts] = [:]

        /// The answers of all routes.
        package var answers: RouteAnswers {
            routes.values.reduce(into: RouteAnswers()) { $0 += $1.answers }
        }

        package subscript(counter: ProcessCounter) -> UInt64 { counters[counter, default: 0] }

        package static func += (left: inout Totals, right: Totals) {
            left.requests &+= right.requests
            left.requestTime += right.requestTime
            left.requestTimes += right.requestTimes
            left.requestWaits += right.requestWaits
            left.counters.merge(right.counters, uniquingKeysWith: &+)
            for (name, kind) in right.tasks { left.tasks[name, default: TaskKind()] += kind }
            for (name, counts) in right.routes { left.routes[name, default: RouteCounts()] += counts }
        }
    }
}

/// How long requests or tasks have waited before they began.
package struct Waits: Sendable, Equatable {
    package var times = LatencyHistogram()
    package var time: Duration = .zero

    package init() {}

    package static func += (left: inout Waits, right: Waits) {
        left.times += right.times
        left.time += right.time
    }

    /// Returns the difference from `earlier`, an older value of the same counts.
    package func since(_ earlier: Waits) -> Waits {
        var rest = self
        rest.times = times.since(earlier.times)
        rest.time = max(.zero, time - earlier.time)
        return rest
    }
}

/// The counts of the tasks of one name.
package struct TaskKind: Sendable {
    package var done: UInt64 = 0
    package var failed: UInt64 = 0
    package var retried: UInt64 = 0
    package var dropped: UInt64 = 0
    package var time: Duration = .zero
    package var times = LatencyHistogram()
    /// How long tasks had waited when their attempts began.
    package var waits = Waits()

    package init() {}

    /// Returns the difference from `earlier`, an older value of the same counts.
    package func since(_ earlier: TaskKind) -> TaskKind {
        var rest = self
        rest.done -= min(earlier.done, done)
        rest.failed -= min(earlier.failed, failed)
        rest.retried -= min(earlier.retried, retried)
        rest.dropped -= min(earlier.dropped, dropped)
        rest.time = max(.zero, time - earlier.time)
        rest.times = times.since(earlier.times)
        rest.waits = waits.since(earlier.waits)
        return rest
    }

    package static func += (left: inout TaskKind, right: TaskKind) {
        left.done &+= right.done
        left.failed &+= right.failed
        left.retried &+= right.retried
        left.dropped &+= right.dropped
        left.time += right.time
        left.times += right.times
        left.waits += right.waits
    }
}

extension [String: TaskKind] {
    /// How long the tasks of all names have waited.
    package var waits: Waits { values.reduce(into: Waits()) { $0 += $1.waits } }
}
