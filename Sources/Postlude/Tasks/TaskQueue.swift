internal import Linux
internal import Logging
internal import Manifest

/// The tasks of one request, in the order in which they were added.
final class TaskQueue: Sendable {
    /// A task that is running: what the keeper watches.
    struct Running: Sendable {
        let name: String
        /// An async task can be cancelled; a synchronous one cannot be told.
        let isAsync: Bool
        let started: MonotonicTime
        /// Cancels an async task, known a moment after its start.
        var cancel: (@Sendable () -> Void)?
        var hasWarned = false
        var isPastDeadline = false
    }

    private struct State {
        var waiting: [BackgroundTask] = []
        var running: Running?
        var isOver = false
        /// What must live until the last task has ended, such as uploaded files.
        var kept: [any Sendable] = []
    }

    let requestID: String
    let route: String
    let limits: Manifest.TaskLimits
    private let logger: Logger
    private let state = Lock(State())

    init(requestID: String, route: String, limits: Manifest.TaskLimits, logger: Logger) {
        self.requestID = requestID
        self.route = route
        self.limits = limits
        self.logger = logger
    }

    var isEmpty: Bool { state.withLock { $0.waiting.isEmpty } }

    func add(_ task: BackgroundTask) {
        let isLate = state.withLock { state in
            if !state.isOver { state.waiting.append(task) }
            return state.isOver
        }
        guard isLate else { return }
        logger.error(
            "task was added after the last task of its request had ended, and does not run",
            metadata: metadata(task.name))
    }

    /// Keeps values alive until the last task has ended.
    func keep(_ values: [any Sendable]) {
        state.withLock { $0.kept += values }
    }

    /// Takes the next task and marks it as running; nil when there is none, and then none can be added.
    func next() -> BackgroundTask? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.running = nil
                state.isOver = true
                state.kept = []
                return nil
            }
            let task = state.waiting.removeFirst()
            state.running = Running(name: task.name, isAsync: task.isAsync, started: .now)
            return task
        }
    }

    /// The running task can be cancelled like this.
    func setCancellation(_ cancel: @escaping @Sendable () -> Void) {
        let isPastDeadline = state.withLock { state in
            state.running?.cancel = cancel
            return state.running?.isPastDeadline ?? false
        }
        // The keeper has looked before there was anything to cancel.
        if isPastDeadline { cancel() }
    }

    /// The response is finished: drops the tasks whose condition is not met, and logs how many.
    ///
    /// - Returns: whether any task is to run.
    func settle(_ outcome: RequestOutcome) -> Bool {
        guard outcome.hasThrown else { return !isEmpty }
        let dropped = state.withLock { state in
            defer { (state.waiting, state.kept) = ([], []) }
            state.isOver = true
            return state.waiting.map(\.name)
        }
        guard !dropped.isEmpty else { return false }
        logger.warning(
            "handler failed, its tasks were dropped",
            metadata: [
                "request": "\(requestID)", "route": "\(route)", "count": "\(dropped.count)",
                "tasks": "\(dropped.joined(separator: ", "))",
            ])
        return false
    }

    /// The names of the tasks that have not ended, the running one first.
    var left: [String] {
        state.withLock { state in (state.running.map { [$0.name] } ?? []) + state.waiting.map(\.name) }
    }

    /// Warns about a task that runs for long, and cancels one that is past its deadline. Called by the keeper.
    func check(at now: MonotonicTime) {
        let (late, overdue) = state.withLock { state -> (Running?, Running?) in
            guard let running = state.running else { return (nil, nil) }
            let age = now - running.started
            let isLate = !running.hasWarned && age >= limits.warn
            let isOverdue = !running.isPastDeadline && limits.deadline.map { age >= $0 } ?? false
            if isLate { state.running?.hasWarned = true }
            if isOverdue { state.running?.isPastDeadline = true }
            return (isLate ? running : nil, isOverdue ? running : nil)
        }
        if let late {
            logger.warning(
                "task is still running; hand long work to a task queue",
                metadata: metadata(late.name, since: late.started, until: now))
        }
        if let overdue {
            overdue.cancel?()
            logger.error(
                overdue.isAsync
                    ? "task is past its deadline and was cancelled"
                    : "task is past its deadline; it is synchronous and cannot be cancelled",
                metadata: metadata(overdue.name, since: overdue.started, until: now))
        }
    }

    func metadata(_ task: String, since start: MonotonicTime? = nil, until end: MonotonicTime = .now)
        -> Logger.Metadata
    {
        var metadata: Logger.Metadata = [
            "task": "\(task)", "request": "\(requestID)", "route": "\(route)",
        ]
        if let start { metadata["duration"] = "\((end - start).milliseconds) ms" }
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
