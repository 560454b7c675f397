internal import PostludeScoreboard
internal import PostludeSystem

extension StatusReport {
    init(_ board: ScoreboardSnapshot, manager: String, queue: ListenQueue?, history: StatusHistory) {
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
        maxChildrenReached = board.totals[.poolExhausted]
        slowRequests = board.totals[.slow]
        refusedRequests = board.totals[.refused]
        timedOutRequests = board.totals[.timedOut]
        repeatedRequests = board.totals[.repeated]
        replacedProcesses = board.replaced
        connections = board.processes.reduce(0) { $0 + $1.connections }
        eventStreams = board.processes.reduce(0) { $0 + $1.eventStreams }
        requestDuration = Latency(board.totals.requestTimes, sum: board.totals.requestTime)
        responses = board.totals.answers.byClass
        routes = board.totals.routes.sorted { $0.key < $1.key }.map { name, answers in
            Route(route: name, responses: answers.byClass, meanDuration: answers.meanSeconds)
        }
        lastMinute = minute.map(Recent.init)
        lastFiveMinutes = fiveMinutes.map(Recent.init)
        tasks = Tasks(board, lastMinute: minute, lastFiveMinutes: fiveMinutes)
        processes = board.processes.map { Process($0, startedAt: board.started, uptime: board.uptime) }
    }
}

extension RouteAnswers {
    var byClass: [String: UInt64] {
        Dictionary(uniqueKeysWithValues: StatusClass.allCases.map { ($0.label, self[$0]) })
    }

    fileprivate var meanSeconds: Double { total == 0 ? 0 : time.seconds / Double(total) }
}

extension StatusReport.Latency {
    init(_ times: LatencyHistogram, sum: Duration) {
        count = times.total
        self.sum = sum.seconds
        p50 = times.quantile(0.5)?.seconds
        p90 = times.quantile(0.9)?.seconds
        p99 = times.quantile(0.99)?.seconds
    }
}

extension StatusReport.Recent {
    init(_ counts: RecentCounts) {
        seconds = counts.time.seconds
        requestDuration = StatusReport.Latency(counts.requestTimes, sum: counts.requestTime)
        responses = counts.answers.byClass
    }
}

extension RecentCounts {
    fileprivate func latency(ofTask name: String) -> StatusReport.Latency? {
        tasks[name].map { StatusReport.Latency($0.times, sum: $0.time) }
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
        names = board.totals.tasks.sorted { $0.key < $1.key }.map { name, kind in
            StatusReport.Kind(
                name: name, done: kind.done, failed: kind.failed, retried: kind.retried,
                dropped: kind.dropped, duration: StatusReport.Latency(kind.times, sum: kind.time),
                lastMinute: lastMinute?.latency(ofTask: name),
                lastFiveMinutes: lastFiveMinutes?.latency(ofTask: name))
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
