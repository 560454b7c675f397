/// The task for which the current code runs, available to every function that the task calls.
///
/// ```swift
/// func sync() throws {
///     for page in pages where TaskContext.current?.isCancelled != true { try load(page) }
/// }
/// ```
public struct TaskContext: Sendable, ScopedTask {
    /// The id of the request whose handler has added the task.
    public var requestID: String { request.id }
    /// The pattern of the request's route.
    public var route: String { request.route }
    /// The task's name, or its place in the source.
    public var taskName: String { task.name }
    /// The id of a durable task, which is that of its record; nil for other tasks.
    public var taskID: String? { givenID ?? task.stored?.id }
    /// The number of the attempt, from 1. For a durable task, the attempts that other processes have begun count, too.
    public let attempt: Int
    private let task: BackgroundTask
    private let request: RequestIdentity
    /// The application to which the task belongs.
    let application: (any Sendable)?
    /// The store of the process that runs the task; nil if it has none.
    package let store: (any TaskStore)?
    private let givenID: String?

    init(_ task: BackgroundTask, of request: RequestIdentity, in registry: TaskRegistry) {
        self.task = task
        self.request = request
        application = registry.application
        store = registry.store
        givenID = nil
        attempt = task.attempts
    }

    /// Makes the context of a task that is not in a queue.
    init(
        taskName: String, taskID: String?, attempt: Int, isCancelled: Bool, of request: RequestIdentity,
        in application: (any Sendable)?
    ) {
        task = BackgroundTask(name: taskName, function: .sync {})
        if isCancelled { task.markPastDeadline() }
        self.request = request
        self.application = application
        store = nil
        givenID = taskID
        self.attempt = attempt
    }

    /// Whether the attempt is past its deadline, or the task was cancelled by an operator. A synchronous task cannot be
    /// interrupted, and should return soon if it is. In an async task, `Task.isCancelled` is true as well.
    public var isCancelled: Bool { task.isPastDeadline || task.isCancellationRequested }

    /// The task as its store sees it; nil for one that no store has.
    package var storedTask: (any PersistedTask)? { task.stored }

    /// The context of the current code; nil outside of tasks, and in a detached Swift task that one of them has started.
    public static var current: TaskContext? {
        if case .task(let task) = RequestScope.current { task as? TaskContext } else { nil }
    }
}
