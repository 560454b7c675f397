internal import PostludeScoreboard

/// The report as OpenMetrics 1.0 text, which Prometheus reads.
struct OpenMetrics {
    static let contentType = "application/openmetrics-text; version=1.0.0; charset=utf-8"

    private(set) var text = ""

    /// - Parameter totals: the totals of all processes.
    init(_ report: StatusReport, totals: ScoreboardSnapshot.Totals) {
        family("postlude", .info, "The application.")
        sample("postlude_info", ["pool": report.pool, "manager": report.processManager], 1)
        gauge(
            "postlude_start_time_seconds", "When it was started, since 1970.", Double(report.startTime),
            unit: "seconds")
        family("postlude_problems", .gauge, "Whether the status page reports a problem of this kind.")
        for kind in StatusProblem.Kind.allCases {
            let isReported = report.problems.contains { $0.kind == kind }
            sample("postlude_problems", ["kind": kind.rawValue], isReported ? 1 : 0)
        }
        addRequests(of: report, totals)
        addRoutes(totals.routes)
        addWorkers(of: report)
        addProcesses(of: report)
        addTasks(of: report, totals)
        if let stored = report.storedTasks { addStoredTasks(stored) }
        text += "# EOF\n"
    }

    private mutating func addRequests(of report: StatusReport, _ totals: ScoreboardSnapshot.Totals) {
        counter("postlude_requests", "Requests that were answered.", report.acceptedConn)
        counter("postlude_refused_requests", "Requests refused before a handler.", report.refusedRequests)
        counter(
            "postlude_slow_requests", "Requests that took longer than limits.slow-time.", report.slowRequests)
        counter("postlude_timed_out_requests", "Requests answered 504.", report.timedOutRequests)
        counter(
            "postlude_repeated_requests", "Requests answered with the answer to an earlier one.",
            report.repeatedRequests)
        histogram(
            "postlude_request_duration_seconds",
            "From the moment a worker takes a request to the end of its response.",
            [([:], totals.requestTimes, totals.requestTime)], Self.requestPowers)
        histogram(
            "postlude_request_wait_seconds",
            "From the moment the web server sends a request (REQUEST_START) until a worker takes it.",
            [([:], totals.requestWaits.times, totals.requestWaits.time)], Self.waitPowers)
    }

    private mutating func addRoutes(_ routes: [String: RouteCounts]) {
        let routes = routes.sorted { $0.key < $1.key }
        family("postlude_responses", .counter, "Answers by route and by class of status code.")
        for (name, counts) in routes {
            let answers = counts.answers
            for status in StatusClass.allCases where status != .informational || answers[status] > 0 {
                sample(
                    "postlude_responses_total", ["route": name, "class": status.label], answers[status])
            }
        }
        histogram(
            "postlude_route_duration_seconds", "The duration of a route's answers.",
            routes.map { (["route": $0], $1.times, $1.answers.time) }, Self.routePowers)
    }

    private mutating func addWorkers(of report: StatusReport) {
        gauge("postlude_connections", "Open connections of web servers.", Double(report.connections))
        gauge(
            "postlude_event_streams", "Open event streams that hold no worker.", Double(report.eventStreams))
        if let waiting = report.listenQueue, let most = report.maxListenQueue,
            let limit = report.listenQueueLen
        {
            gauge("postlude_listen_queue", "Connections that wait to be accepted.", Double(waiting))
            gauge("postlude_listen_queue_max", "Their maximum since the start.", Double(most))
            gauge("postlude_listen_queue_limit", "The largest number that may wait.", Double(limit))
        }
        family("postlude_workers", .gauge, "Workers by state.")
        let states = report.processes.flatMap(\.workers).map(\.state)
        for state in WorkerState.allCases {
            sample("postlude_workers", ["state": state.label], UInt64(states.count { $0 == state.label }))
        }
        gauge(
            "postlude_workers_busy_max", "The maximum of busy workers since the start.",
            Double(report.maxActiveWorkers))
        counter(
            "postlude_workers_exhausted", "How often a request waited while workers.max workers were busy.",
            report.maxChildrenReached)
        gauge(
            "postlude_workers_limit", "The number of workers that the processes may have (workers.max).",
            Double(report.workersLimit))
    }

    private mutating func addProcesses(of report: StatusReport) {
        family("postlude_processes", .gauge, "Worker processes by state.")
        for state in ProcessState.allCases where state != .free {
            let count = report.processes.count { $0.state == state.label }
            sample("postlude_processes", ["state": state.label], UInt64(count))
        }
        counter(
            "postlude_processes_replaced", "Processes that have ended.",
            UInt64(clamping: report.replacedProcesses))
        let generation = report.processes.map(\.generation).max() ?? 0
        gauge(
            "postlude_manifest_generation", "The newest manifest that a process serves.", Double(generation))
        family("postlude_process_memory_bytes", .gauge, "Resident memory by process.", unit: "bytes")
        for process in report.processes {
            guard let memory = process.memory else { continue }
            sample("postlude_process_memory_bytes", ["process": "\(process.process)"], memory)
        }
        let processor = "postlude_process_cpu_seconds"
        family(processor, .counter, "Processor time by process.", unit: "seconds")
        for process in report.processes {
            guard let time = process.processorTime else { continue }
            sample(processor + "_total", ["process": "\(process.process)"], time)
        }
    }

    private mutating func addTasks(of report: StatusReport, _ totals: ScoreboardSnapshot.Totals) {
        let tasks = report.tasks
        gauge("postlude_tasks_queued", "Tasks that wait.", Double(tasks.queued))
        gauge("postlude_tasks_running", "Tasks that run.", Double(tasks.running))
        gauge(
            "postlude_task_oldest_age_seconds", "Age of the oldest task that waits or runs.",
            tasks.oldestAge ?? 0, unit: "seconds")
        family("postlude_tasks", .counter, "Attempts of tasks by result.")
        for kind in tasks.names {
            for (outcome, count) in [
                ("done", kind.done), ("failed", kind.failed), ("retried", kind.retried),
                ("dropped", kind.dropped),
            ] {
                sample("postlude_tasks_total", ["task": kind.name, "outcome": outcome], count)
            }
        }
        let kinds = totals.tasks.sorted { $0.key < $1.key }
        histogram(
            "postlude_task_duration_seconds", "The duration of tasks' attempts.",
            kinds.filter { $0.value.times.total > 0 }.map { (["task": $0], $1.times, $1.time) },
            Self.taskPowers)
        histogram(
            "postlude_task_wait_seconds",
            "From the moment a task is added, or is due, to the beginning of its attempt.",
            kinds.filter { $0.value.waits.times.total > 0 }.map {
                (["task": $0], $1.waits.times, $1.waits.time)
            },
            Self.waitPowers)
    }

    private mutating func addStoredTasks(_ tasks: TaskInspectionPages.Answer) {
        gauge(
            "postlude_durable_tasks_readable", "Whether the task store can be read.",
            tasks.error == nil ? 1 : 0)
        guard tasks.error == nil else { return }
        family(
            "postlude_durable_tasks", .gauge, "Durable tasks that are not over, and dead letters (failed).")
        for kind in tasks.names {
            for (state, count) in [
                ("waiting", kind.waiting), ("running", kind.running), ("outgoing", kind.outgoing),
                ("failed", kind.failed),
            ] {
                sample(
                    "postlude_durable_tasks", ["task": kind.name, "state": state], UInt64(clamping: count))
            }
        }
        family(
            "postlude_durable_tasks_limited", .gauge, "Waiting durable tasks that are due and have a limit.")
        for kind in tasks.names {
            sample(
                "postlude_durable_tasks_limited", ["task": kind.name], UInt64(clamping: kind.limited ?? 0))
        }
        family("postlude_durable_kind_paused", .gauge, "Whether a kind of durable tasks is paused.")
        for kind in tasks.names {
            sample("postlude_durable_kind_paused", ["task": kind.name], kind.paused ? 1 : 0)
        }
        gauge(
            "postlude_durable_task_oldest_age_seconds",
            "For how long the oldest unfinished one has been due.",
            tasks.oldestAge ?? 0, unit: "seconds")
    }

    // MARK: Histograms

    /// The bounds of histograms, as powers of two of 1,024 ns: from a quarter of a millisecond to half a minute for requests,
    /// each twice the one before; to 17 seconds for a route, each four times the one before; to 73 minutes for waiting; and so
    /// for tasks, from a millisecond on.
    private static let requestPowers = Array(8...25)
    private static let routePowers = Array(stride(from: 8, through: 24, by: 2))
    private static let waitPowers = Array(stride(from: 8, through: 32, by: 2))
    private static let taskPowers = Array(stride(from: 10, through: 32, by: 2))

    private mutating func histogram(
        _ name: String, _ help: String,
        _ series: [(labels: KeyValuePairs<String, String>, times: LatencyHistogram, sum: Duration)],
        _ powers: [Int]
    ) {
        family(name, .histogram, help, unit: "seconds")
        for (labels, times, sum) in series {
            for power in powers {
                let bound = Double(1 << power) * 1024 / 1_000_000_000
                sample(name + "_bucket", labels, times.count(belowPower: power), bound: "\(bound)")
            }
            sample(name + "_bucket", labels, times.total, bound: "+Inf")
            sample(name + "_count", labels, times.total)
            sample(name + "_sum", labels, sum.seconds)
        }
    }

    // MARK: The format (OpenMetrics 1.0, 3.1)

    private enum Kind: String {
        case counter, gauge, histogram, info
    }

    private mutating func family(_ name: String, _ kind: Kind, _ help: String, unit: String? = nil) {
        text += "# TYPE \(name) \(kind.rawValue)\n"
        if let unit { text += "# UNIT \(name) \(unit)\n" }
        text += "# HELP \(name) \(Self.escaped(help))\n"
    }

    private mutating func counter(_ name: String, _ help: String, _ value: UInt64) {
        family(name, .counter, help)
        sample(name + "_total", [:], value)
    }

    private mutating func gauge(_ name: String, _ help: String, _ value: Double, unit: String? = nil) {
        family(name, .gauge, help, unit: unit)
        sample(name, [:], value)
    }

    /// - Parameter bound: the upper bound of a histogram's bucket.
    private mutating func sample(
        _ name: String, _ labels: KeyValuePairs<String, String>, _ value: some CustomStringConvertible,
        bound: String? = nil
    ) {
        let all = labels.map { ($0, $1) } + (bound.map { [("le", $0)] } ?? [])
        let list = all.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
        text += "\(name)\(list.isEmpty ? "" : "{\(list)}") \(value)\n"
    }

    static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
