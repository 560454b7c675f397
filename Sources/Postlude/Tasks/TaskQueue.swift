internal import Logging
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeScoreboard
internal import PostludeSystem
internal import Tracing

/// The tasks of one request, in the order in which they were added.
///
/// The runner asks for the next one, and says how it has ended: one at a time, but for the members of a group.
@usableFromInline
final class TaskQueue: Sendable {
    /// What is to be done now.
    enum Next: Sendable {
        /// A task whose attempt has begun.
        case task(BackgroundTask)
        /// A group is open: its tasks are to be had from `nextOfGroup` until there is none.
        case group(limit: Int)
        /// The first task waits for its next attempt, and the others for it.
        case waiting(until: MonotonicTime)
        case over
    }

    enum Item: Sendable {
        case task(BackgroundTask)
        case group(FIFO<BackgroundTask>, limit: Int)

        var tasks: [BackgroundTask] {
            switch self {
            case .task(let task): [task]
            case .group(let tasks, _): tasks.elements
            }
        }
    }

    struct State {
        var line = FIFO<Item>()
        /// The open group's tasks that have not begun, and how many may run at once.
        var group = FIFO<BackgroundTask>()
        var groupLimit = 1
        var running: [RunningTask] = []
        /// Tasks that wait for their next attempt.
        var resting: [RestingTask] = []
        /// Known once the response is finished.
        var outcome: RequestOutcome?
        /// The call that has asked for it; nil if none has.
        var stopOnFailure: Int?
        /// The call of the application's code that is at work, by ``TaskCalls``.
        var call = 0
        /// A task has failed, and no other one runs.
        var isStopped = false
        var isOver = false
        /// Until the response begins.
        var takesStored = true
        /// The ids of stored tasks, in the order in which they were kept; also of those that others run.
        var keptIDs: [String] = []
        /// What must live until the last task has ended, such as uploaded files.
        var kept: [any Sendable] = []
        /// What the tasks' spans are linked to.
        var origin: ServiceContext?
        var tally = TaskTally()
        /// The request's line in the access log; nil if there is no such log.
        var access: AccessRecord?
    }

    let request: RequestIdentity
    let limits: Manifest.TaskLimits
    let logger: Logger
    let registry: TaskRegistry
    let state = Lock(State())
    let created = MonotonicTime.now
    /// Called when it is no longer among the process's queues.
    let whenOver: (@Sendable () -> Void)?

    init(
        of request: RequestIdentity, limits: Manifest.TaskLimits, logger: Logger,
        registry: TaskRegistry = TaskRegistry(), whenOver: (@Sendable () -> Void)? = nil
    ) {
        self.request = request
        self.limits = limits
        self.logger = logger
        self.registry = registry
        self.whenOver = whenOver
    }

    var requestID: String { request.id }
    var route: String { request.route }
    var isEmpty: Bool { state.withLock { $0.line.isEmpty } }

    /// The tasks that have not begun, in order.
    var queued: [BackgroundTask] {
        state.withLock { $0.group.elements + $0.line.elements.flatMap(\.tasks) }
    }

    /// The names of the tasks that have not ended, the running ones first.
    var left: [String] { leftTasks.map(\.name) }

    /// The tasks that have not ended, the running ones first.
    var leftTasks: [BackgroundTask] {
        let unfinished = state.withLock { state in
            state.running.map(\.task) + state.resting.map(\.task) + state.group.elements
                + state.line.elements.flatMap(\.tasks)
        }
        return unfinished.filter { $0.state != .cancelled }
    }

    /// The request's span; nil if requests are not traced.
    var origin: ServiceContext? {
        get { state.withLock { $0.origin } }
        set { state.withLock { $0.origin = newValue } }
    }

    /// The request's line in the access log; nil if there is no such log.
    var access: AccessRecord? {
        get { state.withLock { $0.access } }
        set { state.withLock { $0.access = newValue } }
    }

    /// What has become of the tasks so far.
    var tally: TaskTally {
        var tally = state.withLock { $0.tally }
        tally.left = left.count
        return tally
    }

    // MARK: Adding

    @discardableResult
    @usableFromInline
    func add(_ task: BackgroundTask) -> TaskHandle {
        if let deadline = task.options.deadline { registry.note(deadline: deadline) }
        add(.task(task))
        return TaskHandle(task: task)
    }

    func add(_ group: [BackgroundTask], limit: Int) {
        for deadline in group.compactMap(\.options.deadline) { registry.note(deadline: deadline) }
        if !group.isEmpty { add(.group(FIFO(group), limit: limit)) }
    }

    private func add(_ item: Item) {
        let (wasOver, dropped) = state.withLock { state -> (Bool, [BackgroundTask]) in
            guard !state.isOver, !state.isStopped else { return (state.isOver, item.tasks) }
            state.stamp(item.tasks)
            // Added by a task: what became of the request is known.
            let (item, dropped) = state.outcome.map(item.split) ?? (item, [])
            if let item { state.line.append(item) }
            return (false, dropped)
        }
        for task in dropped where task.drop() {
            registry.count(.dropped, of: task)
            if wasOver {
                logger.error(
                    "task was added after the last task of its request had ended, and does not run",
                    metadata: metadata(task.name))
            } else {
                logger.debug("task was added, and does not run", metadata: metadata(task.name))
            }
        }
    }

    func stopOnFailure() {
        state.withLock { $0.stopOnFailure = min($0.stopOnFailure ?? $0.call, $0.call) }
    }

    /// Keeps values alive until the last task has ended.
    func keep(_ values: [any Sendable]) {
        state.withLock { $0.kept += values }
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
