internal import PostludeScoreboard
internal import PostludeSystem

extension StatusReport {
    /// - Parameter usage: the memory and processor time of the processes, as far as they are known.
    init(
        _ board: ScoreboardSnapshot, manager: String, queue: ListenQueue?, history: StatusHistory,
        usage: [StatusHistory.ProcessKey: ProcessUsage] = [:]
    ) {
        let peaks = history.peaks
        let minute = history.counts(of: .minute, before: board)
        let fiveMinutes = history.counts(of: .fiveMinutes, before: board)
        let workers = board.processes.flatMap(\.workers)
        let active = workers.count { $0.state.isBusy }
        pool = board.program
        processManager = manager
        startTime = board.started
        startSince = board.uptime.wholeSeconds
        acceptedConn = board.totals.requests
        listenQueue = queue?.waiting
        maxListenQueue = queue.map { max($0.waiting, peaks.listenQueue) }
        listenQueueLen = queue?.limit
        idleWorkers = workers.count - active
        activeWorkers = active
        totalWorkers = workers.count
        maxActiveWorkers = board.processes.map(\.mostBusyWorkers).reduce(max(active, peaks.busy), max)
        workersLimit = board.processes.reduce(0) { $0 + ($1.state == .draining ? 0 : $1.workersLimit) }
        maxChildrenReached = board.totals[.poolExhausted]
        slowRequests = board.totals[.slow]
        refusedRequests = board.totals[.refused]
        timedOutRequests = board.totals[.timedOut]
        repeatedRequests = board.totals[.repeated]
        replacedProcesses = board.replaced
        connections = board.processes.reduce(0) { $0 + $1.connections }
        eventStreams = board.processes.reduce(0) { $0 + $1.eventStreams }
        requestDuration = Latency(board.totals.requestTimes, sum: board.totals.requestTime)
        requestWait = Latency(board.totals.requestWaits)
        responses = board.totals.answers.byClass
        routes = board.totals.routes.sorted { $0.key < $1.key }.map { name, counts in
            Route(
                route: name, responses: counts.answers.byClass,
                duration: Latency(counts.times, sum: counts.answers.time),
                load: fiveMinutes?.load(ofRoute: name))
        }
        lastMinute = minute.map(Recent.init)
        lastFiveMinutes = fiveMinutes.map(Recent.init)
        tasks = Tasks(board, lastMinute: minute, lastFiveMinutes: fiveMinutes)
        processes = board.processes.map { process in
            let key = StatusHistory.ProcessKey(process)
            var shown = Process(process, startedAt: board.started, uptime: board.uptime)
            shown.memory = usage[key]?.memory
            shown.processorTime = usage[key]?.processorTime.seconds
            shown.processorShare = usage[key].flatMap {
                history.processorShare(of: key, $0.processorTime, at: board.uptime)
            }
            return shown
        }
    }
}

extension RouteAnswers {
    var byClass: [String: UInt64] {
        Dictionary(uniqueKeysWithValues: StatusClass.allCases.map { ($0.label, self[$0]) })
    }
}

extension StatusReport.Latency {
    init(_ waits: Waits) { self.init(waits.times, sum: waits.time) }

    init(_ times: LatencyHistogram, sum: Duration) {
        count = times.total
        self.sum = sum.seconds
        p50 = times.quantile(0.5)?.seconds
        p90 = times.quantile(0.9)?.seconds
        p95 = times.quantile(0.95)?.seconds
        p99 = times.quantile(0.99)?.seconds
    }
}

extension StatusReport.Recent {
    init(_ counts: RecentCounts) {
        seconds = counts.time.seconds
        requestDuration = StatusReport.Latency(counts.requestTimes, sum: counts.requestTime)
        requestWait = StatusReport.Latency(counts.requestWaits)
        taskWait = StatusReport.Latency(counts.tasks.waits)
        responses = counts.answers.byClass
    }
}

extension RecentCounts {
    fileprivate func latency(ofTask name: String) -> StatusReport.Latency? {
        tasks[name].map { StatusReport.Latency($0.times, sum: $0.time) }
    }

    fileprivate func load(ofRoute name: String) -> StatusReport.Load {
        let counts = routes[name] ?? RouteCounts()
        return load(
            count: counts.answers.total, errors: counts.answers[.serverError], taking: counts.answers.time,
            counts.times)
    }

    fileprivate func load(ofTask name: String) -> StatusReport.Load {
        let kind = tasks[name] ?? TaskKind()
        let ended = kind.done &+ kind.failed &+ kind.retried
        var load = load(
            count: ended, errors: kind.failed &+ kind.retried, taking: kind.time, kind.times)
        load.wait = StatusReport.Percentiles(Percentiles(kind.waits.times))
        return load
    }

    /// - Parameters:
    ///   - time: the sum of the durations.
    ///   - times: the durations.
    private func load(
        count: UInt64, errors: UInt64, taking time: Duration, _ times: LatencyHistogram
    ) -> StatusReport.Load {
        let timed = times.total
        let all = requestTime.seconds + tasks.values.reduce(0) { $0 + $1.time.seconds }
        return StatusReport.Load(
            perSecond: self.time > .zero ? Double(count) / self.time.seconds : 0,
            errors: count > 0 ? Double(errors) / Double(count) : 0,
            meanDuration: timed > 0 ? time.seconds / Double(timed) : 0,
            duration: StatusReport.Percentiles(Percentiles(times)),
            timeShare: all > 0 ? min(1, time.seconds / all) : 0)
    }
}

extension StatusReport.Tasks {
    init(_ board: ScoreboardSnapshot, lastMinute: RecentCounts?, lastFiveMinutes: RecentCounts?) {
        queued = board.processes.reduce(0) { $0 + $1.queuedTasks }
        running = board.processes.reduce(0) { $0 + $1.runningTasks }
        done = board.totals[.tasksDone]
        failed = board.totals[.tasksFailed]
        retried = board.totals[.tasksRetried]
        dropped = board.totals[.tasksDropped]
        oldestAge = board.processes.compactMap(\.oldestTask).max()?.seconds
        wait = StatusReport.Latency(board.totals.tasks.waits)
        names = board.totals.tasks.sorted { $0.key < $1.key }.map { name, kind in
            StatusReport.Kind(
                name: name, done: kind.done, failed: kind.failed, retried: kind.retried,
                dropped: kind.dropped, duration: StatusReport.Latency(kind.times, sum: kind.time),
                wait: StatusReport.Latency(kind.waits),
                lastMinute: lastMinute?.latency(ofTask: name),
                lastFiveMinutes: lastFiveMinutes?.latency(ofTask: name),
                load: lastFiveMinutes?.load(ofTask: name))
        }
    }
}

extension StatusReport.Process {
    init(_ process: ScoreboardSnapshot.Process, startedAt start: Int, uptime: Duration) {
        self.process = process.index
        pid = process.pid
        state = process.state.label
        generation = process.generation
        // Wrapping arithmetic, since a damaged slot may contain any age.
        startTime = start &+ uptime.wholeSeconds &- process.age.wholeSeconds
        startSince = process.age.wholeSeconds
        requests = process.totals.requests
        connections = process.connections
        waitingTasks = Self.reasons(process)
        taskSlots = process.taskSlots
        workers = process.workers.sorted { $0.number < $1.number }.map(StatusReport.Worker.init)
    }
}

extension StatusReport.Process {
    fileprivate static func reasons(_ process: ScoreboardSnapshot.Process) -> String? {
        let slots = process.taskSlots
        let isFull = process.hasNoFreeTaskWorker
        let counts = [
            (
                process.tasksForWorker,
                isFull
                    ? "for a worker: all \(slots) that may run tasks are busy"
                    : "for the worker that has answered their request, which is busy"
            ),
            (process.tasksForAttempt, "for their next attempt"),
            (
                process.queuedTasks - process.tasksForWorker - process.tasksForAttempt,
                "for their response, or for the task before them"
            ),
        ]
        let reasons = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        return reasons.isEmpty ? nil : reasons.joined(separator: "; ")
    }
}

extension StatusReport.Worker {
    init(_ worker: ScoreboardSnapshot.Worker) {
        self.worker = worker.number
        state = worker.state.label
        stateSince = worker.since.seconds
        startSince = worker.age.wholeSeconds
        requests = worker.requests
        requestDuration = worker.requestDuration.seconds
        requestMethod = worker.method
        requestURI = worker.target
        route = worker.route
        handler = worker.handler
        requestID = worker.request
        task = worker.task
        tasksLeft = worker.tasksLeft
    }
}

extension Duration {
    /// The duration in seconds, with microseconds.
    var seconds: Double { Double(saturatedNanoseconds / 1000) / 1_000_000 }
    fileprivate var wholeSeconds: Int { Int(saturatedNanoseconds / 1_000_000_000) }
}
