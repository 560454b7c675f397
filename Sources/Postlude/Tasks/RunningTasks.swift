internal import PostludeManifest
internal import PostludeSystem

/// The running tasks of a queue, whose time limits the control thread checks. Only a group has several.
struct RunningTasks {
    private var all: [RunningTask] = []

    var isEmpty: Bool { all.isEmpty }
    var count: Int { all.count }
    var tasks: [BackgroundTask] { all.map(\.task) }

    /// Whether all running tasks belong to calls that have thrown (`BackgroundTask.isOfFailedCall`); false if no task is
    /// running.
    var areAllOfFailedCall: Bool { !all.isEmpty && all.allSatisfy(\.task.isOfFailedCall) }

    func contains(_ task: BackgroundTask) -> Bool { all.contains { $0.task === task } }

    mutating func add(_ task: RunningTask) { all.append(task) }

    /// - Returns: when the task began; nil if it is not running.
    mutating func remove(_ task: BackgroundTask) -> MonotonicTime? {
        all.firstIndex { $0.task === task }.map { all.remove(at: $0).started }
    }

    /// - Returns: whether the task is past its deadline, or cancelled, already.
    mutating func setCancellation(
        of task: BackgroundTask, _ cancel: @escaping @Sendable () -> Void
    ) -> Bool {
        guard let index = all.firstIndex(where: { $0.task === task }) else { return false }
        all[index].cancel = cancel
        return all[index].isPastDeadline || all[index].task.isCancellationRequested
    }

    /// Marks tasks as cancelled.
    ///
    /// - Returns: those that were not marked before.
    func requestCancellation(of isMeant: (BackgroundTask) -> Bool) -> [RunningTask] {
        let meant = all.filter { isMeant($0.task) && !$0.task.isCancellationRequested }
        for running in meant { running.task.requestCancellation() }
        return meant
    }

    mutating func setThread(of task: BackgroundTask, _ thread: SampledThread) {
        guard let index = all.firstIndex(where: { $0.task === task }) else { return }
        all[index].thread = thread
    }

    /// Returns the tasks that have passed one of their time limits since the last call.
    ///
    /// - Returns: those past `tasks.warn`, past their deadline, and past `tasks.kill-time`.
    mutating func takeLate(
        at now: MonotonicTime, _ limits: Manifest.TaskLimits
    ) -> (late: [RunningTask], overdue: [RunningTask], endless: [RunningTask]) {
        var late: [RunningTask] = []
        var overdue: [RunningTask] = []
        var endless: [RunningTask] = []
        for index in all.indices {
            let running = all[index]
            let age = now - running.started
            if !running.hasWarned, age >= limits.warn {
                all[index].hasWarned = true
                late.append(running)
            }
            let deadline = running.task.options.deadline ?? limits.deadline
            if !running.isPastDeadline, deadline.map({ age >= $0 }) ?? false {
                all[index].isPastDeadline = true
                overdue.append(running)
            }
            if !running.isKilled, limits.killTime.map({ age >= $0 }) ?? false {
                all[index].isKilled = true
                endless.append(running)
            }
        }
        return (late, overdue, endless)
    }
}

/// A task that is running.
struct RunningTask: Sendable {
    let task: BackgroundTask
    let started: MonotonicTime
    /// The thread that runs the task; nil if it shares one with other tasks, or no stack is taken of it.
    var thread: SampledThread?
    /// Cancels an async task; set shortly after its start.
    var cancel: (@Sendable () -> Void)?
    fileprivate var hasWarned = false
    fileprivate var isPastDeadline = false
    fileprivate var isKilled = false

    init(task: BackgroundTask, started: MonotonicTime, thread: SampledThread?) {
        self.task = task
        self.started = started
        self.thread = thread
    }
}

/// A task that has failed, and waits for its next attempt.
struct DelayedTask: Sendable {
    let task: BackgroundTask
    let due: MonotonicTime
    let error: any Error
}

extension Duration {
    /// Milliseconds with one decimal, as the log shows them.
    var milliseconds: String {
        let tenths = saturatedNanoseconds / 100_000
        return "\(tenths / 10).\(abs(tenths % 10))"
    }
}
