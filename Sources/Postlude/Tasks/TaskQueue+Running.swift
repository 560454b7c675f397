internal import Logging
internal import PostludeLogOutput
internal import PostludeSystem

extension TaskQueue {
    /// Takes the next task, and begins it; `.over` when there is none, and then none can be added.
    ///
    /// - Parameter thread: where it will run.
    func next(at now: MonotonicTime = .now, on thread: SampledThread? = nil) -> Next {
        // Let go of outside the lock: whatever ends with it may ask for this queue.
        let (next, stopped, _) = state.withLock { state -> (Next, StoppedTasks?, [any Sendable]) in
            var stopped: StoppedTasks?
            if !state.resting.isEmpty {
                state.resting.removeAll { $0.task.state == .cancelled }
                if let due = state.resting.map(\.due).min() {
                    guard due <= now else { return (.waiting(until: due), nil, []) }
                    for resting in state.resting where resting.due <= now { state.group.append(resting.task) }
                    state.resting.removeAll { $0.due <= now }
                    return (.group(limit: state.groupLimit), nil, [])
                }
            }
            while let item = state.line.popFirst() {
                switch item {
                case .task(let task):
                    state.groupLimit = 1
                    guard state.begin(task, at: now, on: thread) else {
                        // Its time is over, and those after it depend on it.
                        if task.state == .dropped, task.stored?.stopsOnFailure == true {
                            stopped = StoppedTasks(behind: task, state.stop())
                        }
                        continue
                    }
                    return (.task(task), stopped, [])
                case .group(let tasks, let limit):
                    state.group = tasks
                    state.groupLimit = limit
                    return (.group(limit: limit), stopped, [])
                }
            }
            state.isOver = true
            return (.over, stopped, state.takeKept())
        }
        dropStopped(stopped)
        return next
    }

    /// Takes the next task of the open group, and begins it.
    ///
    /// - Parameter thread: where it will run, if that is known.
    func nextOfGroup(at now: MonotonicTime = .now, on thread: SampledThread? = nil) -> BackgroundTask? {
        state.withLock { state in
            while let task = state.group.popFirst() {
                if state.begin(task, at: now, on: thread) { return task }
            }
            return nil
        }
    }

    /// An attempt has ended: decides what follows, and tells the task's store.
    ///
    /// - Parameters:
    ///   - error: what it threw.
    ///   - random: -1 to 1, for the time until the next attempt.
    func ended(
        _ task: BackgroundTask, error: (any Error)? = nil, at now: MonotonicTime = .now,
        random: () -> Double = { 0 }
    ) -> AttemptResult {
        let graceEnd = registry.graceEnd
        let (result, stopped, left) = state.withLock {
            state -> (AttemptResult, StoppedTasks?, [BackgroundTask]) in
            if let index = state.running.firstIndex(where: { $0.task === task }) {
                state.tally.time += now - state.running.remove(at: index).started
            }
            guard let error else {
                task.become(.done)
                state.tally.ended += 1
                return (.done, nil, [])
            }
            // A random number is a system call, and few tasks fail.
            let isPermanent = error is any PermanentTaskError
            let delay =
                isPermanent ? nil : task.options.retry.delay(after: task.failures, random: random())
            if !isPermanent, let queue = task.promotion(isLast: delay == nil) {
                task.become(.failed)
                state.tally.ended += 1
                let stopped =
                    task.stored?.stopsOnFailure == true ? StoppedTasks(behind: task, state.stop()) : nil
                return (.moved(error, to: queue), stopped, [])
            }
            if let delay {
                let isInTime = graceEnd.map { now + delay <= $0 } ?? true
                if isInTime || task.isKept { task.become(.waiting) }
                if isInTime {
                    state.resting.append(RestingTask(task: task, due: now + delay, error: error))
                    return (.retried(error, after: delay), nil, [])
                }
                if task.isKept { return (.left(error), nil, state.takeStored()) }
            }
            return (.failed(error), state.fail(task), [])
        }
        // Before its store hears of those after it: it is the reason.
        task.report(result)
        dropStopped(stopped)
        leave(left)
        return result
    }

    /// Tasks whose next attempt would come after the end of the process: they have failed, with these errors.
    func giveUpLateRetries() -> [RestingTask] {
        guard let graceEnd = registry.graceEnd else { return [] }
        let (late, stopped, left) = state.withLock {
            state -> ([RestingTask], [StoppedTasks], [BackgroundTask]) in
            let late = state.resting.filter { $0.due > graceEnd && $0.task.state == .waiting }
            guard !late.isEmpty else { return ([], [], []) }
            state.resting.removeAll { $0.due > graceEnd && !$0.task.isKept }
            // Those after one that is left are left too: they keep their order.
            let left = late.contains { $0.task.isKept } ? state.takeStored() : []
            let failed = late.filter { !$0.task.isKept }
            return (failed, failed.compactMap { state.fail($0.task) }, left)
        }
        for each in stopped { dropStopped(each) }
        leave(left)
        return late
    }

    private func dropStopped(_ stopped: StoppedTasks?) {
        guard let stopped, !stopped.tasks.isEmpty else { return }
        drop(
            stopped.tasks, because: "a task failed, those behind it were dropped", level: .warning,
            as: .stopped(by: stopped.blocker.name, id: stopped.blocker.stored?.id))
    }
}

/// Tasks that do not run because one before them has failed.
private struct StoppedTasks {
    let blocker: BackgroundTask
    let tasks: [BackgroundTask]

    init(behind blocker: BackgroundTask, _ items: [TaskQueue.Item]) {
        self.blocker = blocker
        tasks = items.flatMap(\.tasks)
    }
}

extension TaskQueue.State {
    mutating func takeKept() -> [any Sendable] {
        defer { kept = [] }
        return kept
    }

    /// - Returns: false when the task was cancelled.
    fileprivate mutating func begin(
        _ task: BackgroundTask, at now: MonotonicTime, on thread: SampledThread?
    ) -> Bool {
        guard task.beginAttempt() else { return false }
        running.append(RunningTask(task: task, started: now, thread: thread))
        return true
    }

    /// No attempt is left.
    ///
    /// - Returns: what does not run for that reason.
    fileprivate mutating func fail(_ task: BackgroundTask) -> StoppedTasks? {
        task.become(.failed)
        tally.ended += 1
        tally.failed += 1
        guard stopOnFailure != nil || task.options.stopOnFailure else { return nil }
        return StoppedTasks(behind: task, stop())
    }

    /// Nothing more runs.
    ///
    /// - Returns: what would have.
    fileprivate mutating func stop() -> [TaskQueue.Item] {
        isStopped = true
        defer { line = FIFO() }
        return line.elements
    }
}
