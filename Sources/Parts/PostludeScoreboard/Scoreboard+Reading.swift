package import PostludeSystem
import Synchronization

extension Scoreboard {
    /// Copies the scoreboard, without waiting for a worker or a process.
    package func snapshot(at now: MonotonicTime = .now) -> ScoreboardSnapshot {
        // The lock prevents reading while counts are moved to those of ended processes: they would be counted twice.
        archiving.withLock { _ in read(at: now) }
    }

    private func read(at now: MonotonicTime) -> ScoreboardSnapshot {
        var snapshot = ScoreboardSnapshot(
            program: words.text(at: Layout.Header.program),
            started: Int(clamping: words[Layout.Header.started]),
            uptime: now.since(words[Layout.Header.startedNanoseconds]),
            replaced: Int(clamping: words[Layout.Header.replaced]))
        for index in 0..<layout.processes {
            guard let process = process(index, at: now) else { continue }
            snapshot.processes.append(process)
            snapshot.totals += process.totals
        }
        snapshot.totals += totals(of: words(ofProcess: layout.processes))
        return snapshot
    }

    /// - Returns: nil if no process has the slot.
    func process(_ index: Int, at now: MonotonicTime) -> ScoreboardSnapshot.Process? {
        let words = words(ofProcess: index)
        let state = ProcessState(rawValue: words.published(Layout.Process.state)) ?? .serving
        guard state != .free else { return nil }
        let oldest = words[Layout.Process.oldestTaskNanoseconds]
        var process = ScoreboardSnapshot.Process(
            index: index, pid: Int(clamping: words[Layout.Process.pid]),
            generation: Int(clamping: words[Layout.Process.generation]), state: state,
            age: now.since(words[Layout.Process.startedNanoseconds]),
            connections: words.count(Layout.Process.connections),
            queuedTasks: words.count(Layout.Process.queuedTasks),
            runningTasks: words.count(Layout.Process.runningTasks),
            tasksForWorker: words.count(Layout.Process.tasksForWorker),
            tasksForAttempt: words.count(Layout.Process.tasksForAttempt),
            taskSlots: words.count(Layout.Process.taskSlots),
            oldestTask: oldest == 0 ? nil : now.since(oldest),
            mostBusyWorkers: Int(clamping: words[Layout.Process.mostBusyWorkers]))
        process.oldestWaiting = WaitingTask(word: words[Layout.Process.oldestWaiting]).map { task in
            ScoreboardSnapshot.Waiting(age: max(.zero, now - task.since), reason: task.reason)
        }
        process.eventStreams = words.count(Layout.Process.eventStreams)
        process.workersLimit = words.count(Layout.Process.workersLimit)
        process.storeOutage = age(words[Layout.Process.storeOutageNanoseconds], at: now)
        process.brokerOutage = age(words[Layout.Process.brokerOutageNanoseconds], at: now)
        for place in 0..<layout.workers {
            if let worker = worker(self.words(ofWorker: place, in: words), at: now) {
                process.workers.append(worker)
            }
        }
        process.totals = totals(of: words)
        return process
    }

    /// - Returns: nil if there is no time.
    private func age(_ nanoseconds: UInt64, at now: MonotonicTime) -> Duration? {
        nanoseconds == 0 ? nil : now.since(nanoseconds)
    }

    /// - Returns: nil if no worker has the slot.
    private func worker(_ words: SharedWords, at now: MonotonicTime) -> ScoreboardSnapshot.Worker? {
        let number = words.published(Layout.Worker.number)
        guard number != 0 else { return nil }
        var worker = copy(words, number: number, at: now)
        // A writer needs only nanoseconds, unless it has died or was preempted.
        for _ in 0..<100 where worker.isTorn { worker = copy(words, number: number, at: now) }
        return worker
    }

    private func copy(
        _ words: SharedWords, number: UInt64, at now: MonotonicTime
    ) -> ScoreboardSnapshot.Worker {
        let sequence = words.published(Layout.Worker.sequence)
        let packed = words.published(Layout.Worker.state)
        let state = WorkerState(rawValue: packed & 7) ?? .handling
        // The response is finished before the tasks begin.
        let isServing = state.isBusy && state != .tasks
        let started = words[Layout.Worker.requestStarted]
        let last = Duration.nanoseconds(Int64(clamping: words[Layout.Worker.lastNanoseconds]))
        let requests = words[Layout.Worker.requests] &- words[Layout.Worker.requestsBefore]
        var worker = ScoreboardSnapshot.Worker(
            number: Int(clamping: number), state: state, since: now.since(packed >> 3),
            age: now.since(words[Layout.Worker.startedNanoseconds]), requests: Int(clamping: requests),
            requestDuration: isServing ? now.since(started) : last,
            method: words.text(at: Layout.Worker.method), target: words.shortened(at: Layout.Worker.target),
            route: words.shortened(at: Layout.Worker.route),
            handler: words.shortened(at: Layout.Worker.handler),
            request: words.text(at: Layout.Worker.request), task: words.shortened(at: Layout.Worker.task),
            tasksLeft: Int(clamping: words[Layout.Worker.tasksLeft]), isTorn: false)
        atomicMemoryFence(ordering: .acquiring)
        worker.isTorn = sequence & 1 != 0 || words[Layout.Worker.sequence] != sequence
        return worker
    }

    // MARK: Counts

    /// Returns the counts of a process, including those of its workers.
    func totals(of words: SharedWords) -> ScoreboardSnapshot.Totals {
        var totals = ScoreboardSnapshot.Totals()
        for counter in ProcessCounter.allCases {
            totals.counters[counter] = words[Layout.Process.counters + counter.rawValue]
        }
        totals.requests = totals[.requests]
        totals.requestTimes = LatencyHistogram(words.from(Layout.Process.requestTimes))
        var nanoseconds = words[Layout.Process.requestNanoseconds]
        for place in 0..<layout.workers {
            let worker = self.words(ofWorker: place, in: words)
            guard worker[Layout.Worker.requests] > 0 else { continue }
            totals.requests &+= worker[Layout.Worker.requests]
            nanoseconds &+= worker[Layout.Worker.requestNanoseconds]
            totals.requestTimes += LatencyHistogram(worker.from(Layout.Worker.requestTimes))
        }
        totals.requestTime = .nanoseconds(Int64(clamping: nanoseconds))
        totals.requestWaits = Waits(words.from(Layout.Process.requestWaits))
        for task in words.namedRows(of: Layout.Process.tasks) {
            totals.tasks[task.text(at: Layout.Task.name), default: TaskKind()] += TaskKind(task)
        }
        for route in words.namedRows(of: Layout.Process.routes) {
            totals.routes[route.text(at: Layout.Route.name), default: RouteCounts()] += RouteCounts(route)
        }
        return totals
    }
}

extension SharedWords {
    /// Returns the count in a word, limited to 32 bits whatever the word contains, since readers add up the counts of all
    /// processes.
    fileprivate func count(_ index: Int) -> Int { Int(min(self[index], UInt64(UInt32.max))) }
}

extension Waits {
    init(_ words: SharedWords) {
        times = LatencyHistogram(words)
        time = .nanoseconds(Int64(clamping: words[Layout.Waits.nanoseconds]))
    }
}

extension TaskKind {
    init(_ words: SharedWords) {
        done = words[Layout.Task.done]
        failed = words[Layout.Task.failed]
        retried = words[Layout.Task.retried]
        dropped = words[Layout.Task.dropped]
        time = .nanoseconds(Int64(clamping: words[Layout.Task.nanoseconds]))
        times = LatencyHistogram(words.from(Layout.Task.times))
        waits = Waits(words.from(Layout.Task.waits))
    }
}

extension RouteCounts {
    init(_ words: SharedWords) {
        for status in StatusClass.allCases { answers[status] = words[status.word] }
        answers.time = .nanoseconds(Int64(clamping: words[Layout.Route.nanoseconds]))
        times = LatencyHistogram(words.from(Layout.Route.times))
    }
}

extension MonotonicTime {
    /// Returns the time since `nanoseconds`, which may be any value; zero if that is in the future.
    fileprivate func since(_ nanoseconds: UInt64) -> Duration {
        max(.zero, self - MonotonicTime(nanoseconds: Int64(clamping: nanoseconds)))
    }
}
