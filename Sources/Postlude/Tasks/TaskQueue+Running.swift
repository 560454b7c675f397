internal import Linux
internal import Logging

extension TaskQueue {
    /// Takes the next task, and begins it; `.over` when there is none, and then none can be added.
    ///
    /// - Parameter thread: where it will run.
    func next(at now: MonotonicTime = .now, on thread: SampledThread? = nil) -> Next {
        // Let go of outside the lock: whatever ends with it may ask for this queue.
        let (next, _) = state.withLock { state -> (Next, [any Sendable]) in
            if !state.resting.isEmpty {
                state.resting.removeAll { $0.task.state == .cancelled }
                if let due = state.resting.map(\.due).min() {
                    guard due <= now else { return (.waiting(until: due), []) }
                    for resting in state.resting where resting.due <= now { state.group.append(resting.task) }
                    state.resting.removeAll { $0.due <= now }
                    return (.group(limit: state.groupLimit), [])
                }
            }
            while let item = state.line.popFirst() {
                switch item {
                case .task(let task):
                    state.groupLimit = 1
                    guard state.begin(task, at: now, on: thread) else { continue }
                    return (.task(task), [])
                case .group(let tasks, let limit):
                    state.group = tasks
                    state.groupLimit = limit
                    return (.group(limit: limit), [])
                }
            }
            state.isOver = true
            return (.over, state.takeKept())
        }
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

    /// What follows from the end of an attempt.
    enum Verdict: Sendable, Equatable {
        case done
        case retry(after: Duration)
        /// There is no other attempt, or no time for one before the process ends.
        case failed
        /// There is no time for its next attempt, which its store has another process make.
        case left(after: Duration)
        /// Its store has somebody else do it.
        case moved(to: String)
    }

    /// An attempt has ended.
    ///
    /// - Parameters:
    ///   - error: what it threw.
    ///   - random: -1 to 1, for the time until the next attempt.
    func ended(
        _ task: BackgroundTask, error: (any Error)? = nil, at now: MonotonicTime = .now,
        random: () -> Double = { 0 }
    ) -> Verdict {
        let graceEnd = registry.graceEnd
        let (verdict, dropped, left) = state.withLock { state -> (Verdict, [Item], [BackgroundTask]) in
            if let index = state.running.firstIndex(where: { $0.task === task }) {
                state.tally.time += now - state.running.remove(at: index).started
            }
            guard let error else {
                task.become(.done)
                state.tally.ended += 1
                return (.done, [], [])
            }
            // A random number is a system call, and few tasks fail.
            let delay = task.options.retry.delay(after: task.attempts, random: random())
            if let queue = task.promotion(isLast: delay == nil) {
                task.become(.failed)
                state.tally.ended += 1
                return (.moved(to: queue), [], [])
            }
            if let delay {
                let isInTime = graceEnd.map { now + delay <= $0 } ?? true
                if isInTime || task.isKept { task.become(.waiting) }
                if isInTime {
                    state.resting.append(RestingTask(task: task, due: now + delay, error: error))
                    return (.retry(after: delay), [], [])
                }
                if task.isKept { return (.left(after: delay), [], state.takeStored()) }
            }
            return (.failed, state.fail(task), [])
        }
        dropAfterFailure(dropped)
        leave(left)
        return verdict
    }

    /// Tasks whose next attempt would come after the end of the process: they have failed, with these errors.
    func giveUpLateRetries() -> [RestingTask] {
        guard let graceEnd = registry.graceEnd else { return [] }
        let (late, dropped, left) = state.withLock { state -> ([RestingTask], [Item], [BackgroundTask]) in
            let late = state.resting.filter { $0.due > graceEnd && $0.task.state == .waiting }
            guard !late.isEmpty else { return ([], [], []) }
            state.resting.removeAll { $0.due > graceEnd && !$0.task.isKept }
            // Those behind one that is left are too: they keep their order.
            let left = late.contains { $0.task.isKept } ? state.takeStored() : []
            let failed = late.filter { !$0.task.isKept }
            return (failed, failed.flatMap { state.fail($0.task) }, left)
        }
        dropAfterFailure(dropped)
        leave(left)
        return late
    }

    private func dropAfterFailure(_ items: [Item]) {
        if items.isEmpty { return }
        drop(items.flatMap(\.tasks), because: "a task failed, those behind it were dropped", level: .warning)
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
        guard task.begin() else { return false }
        running.append(RunningTask(task: task, started: now, thread: thread))
        return true
    }

    /// No attempt is left.
    ///
    /// - Returns: what does not run for that reason.
    fileprivate mutating func fail(_ task: BackgroundTask) -> [TaskQueue.Item] {
        task.become(.failed)
        tally.ended += 1
        tally.failed += 1
        guard stopOnFailure || task.options.stopOnFailure else { return [] }
        isStopped = true
        defer { line = FIFO() }
        return line.elements
    }
}
