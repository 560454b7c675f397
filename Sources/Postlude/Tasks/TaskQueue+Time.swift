internal import Logging
internal import PostludeManifest
internal import PostludeSystem
internal import PostludeThreads

/// A task that is running: what the control thread watches.
struct RunningTask: Sendable {
    let task: BackgroundTask
    let started: MonotonicTime
    /// nil if it shares a thread with others, or is not watched.
    var thread: SampledThread?
    /// Cancels an async task, known a moment after its start.
    var cancel: (@Sendable () -> Void)?
    var hasWarned = false
    var isPastDeadline = false
    var isKilled = false
}

/// A task that has failed and waits for its next attempt.
struct RestingTask: Sendable {
    let task: BackgroundTask
    let due: MonotonicTime
    let error: any Error
}

extension TaskQueue {
    /// A running task can be cancelled like this.
    func setCancellation(of task: BackgroundTask, _ cancel: @escaping @Sendable () -> Void) {
        let isPastDeadline = state.withLock { state in
            guard let index = state.running.firstIndex(where: { $0.task === task }) else { return false }
            state.running[index].cancel = cancel
            return state.running[index].isPastDeadline
        }
        // The control thread has looked before there was anything to cancel.
        if isPastDeadline { cancel() }
    }

    /// A running task has a thread of its own.
    func setThread(of task: BackgroundTask, _ thread: SampledThread) {
        state.withLock { state in
            guard let index = state.running.firstIndex(where: { $0.task === task }) else { return }
            state.running[index].thread = thread
        }
    }

    /// Warns about tasks that run for long, cancels those that are past their deadline, and has the
    /// process replaced for those that do not end. Called by the control thread.
    func check(
        at now: MonotonicTime, report: inout StackReport, replace: (String) -> Void = { _ in }
    ) {
        let (late, overdue, endless) = state.withLock { state in
            var late: [RunningTask] = []
            var overdue: [RunningTask] = []
            var endless: [RunningTask] = []
            for index in state.running.indices {
                let running = state.running[index]
                let age = now - running.started
                if !running.hasWarned, age >= limits.warn {
                    state.running[index].hasWarned = true
                    late.append(running)
                }
                let deadline = running.task.options.deadline ?? limits.deadline
                if !running.isPastDeadline, deadline.map({ age >= $0 }) ?? false {
                    state.running[index].isPastDeadline = true
                    overdue.append(running)
                }
                if !running.isKilled, limits.killTime.map({ age >= $0 }) ?? false {
                    state.running[index].isKilled = true
                    endless.append(running)
                }
            }
            return (late, overdue, endless)
        }
        for running in late {
            logger.warning(
                "task is still running; hand long work to a task queue",
                metadata: metadata(of: running, at: now, &report))
        }
        for running in overdue {
            running.task.markPastDeadline()
            if let cancel = running.cancel { Cancellation.request(cancel) }
            logger.error(
                running.task.isAsync
                    ? "task is past its deadline and was cancelled"
                    : "task is past its deadline; it is synchronous and cannot be interrupted",
                metadata: metadata(running.task.name, since: running.started, until: now))
        }
        for running in endless {
            running.task.stored?.blame()
            logger.critical(
                "task is past tasks.kill-time and cannot be stopped; the process is to be replaced",
                metadata: metadata(of: running, at: now, &report))
            replace("task \(running.task.name) is past tasks.kill-time")
        }
    }

    private func metadata(
        of running: RunningTask, at now: MonotonicTime, _ report: inout StackReport
    ) -> Logger.Metadata {
        var metadata = metadata(running.task.name, since: running.started, until: now)
        let stack = report.stack(of: running.thread) {
            state.withLock { $0.running.contains { $0.task === running.task } }
        }
        if let stack { metadata["stack"] = "\(stack)" }
        return metadata
    }
}

extension Duration {
    /// Milliseconds with one decimal, as the log shows them.
    var milliseconds: String {
        let tenths = saturatedNanoseconds / 100_000
        return "\(tenths / 10).\(abs(tenths % 10))"
    }
}
