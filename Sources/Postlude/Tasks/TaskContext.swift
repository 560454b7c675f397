/// The task that the current code runs for, known to everything that it calls.
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
    /// The id of a durable task, by which its record is found; nil for other tasks.
    public var taskID: String? { givenID ?? task.stored?.id }
    /// 1 for the first one; of a durable task those that other processes have begun count too.
    public let attempt: Int
    private let task: BackgroundTask
    private let request: RequestIdentity
    /// What has added the task, and what the task needs.
    let application: (any Sendable)?
    private let givenID: String?

    init(_ task: BackgroundTask, of request: RequestIdentity, in application: (any Sendable)?) {
        self.task = task
        self.request = request
        self.application = application
        givenID = nil
        attempt = task.attempts
    }

    /// Of a task that no queue has.
    init(
        taskName: String, taskID: String?, attempt: Int, isCancelled: Bool, of request: RequestIdentity,
        in application: (any Sendable)?
    ) {
        task = BackgroundTask(name: taskName, function: .sync {})
        if isCancelled { task.markPastDeadline() }
        self.request = request
        self.application = application
        givenID = taskID
        self.attempt = attempt
    }

    /// Whether the attempt is past its deadline: a synchronous task, which cannot be interrupted, should come to its
    /// end. An async one learns it from `Task.isCancelled`, too.
    public var isCancelled: Bool { task.isPastDeadline }

    /// nil outside of tasks, and in a detached task that one of them has started.
    public static var current: TaskContext? {
        if case .task(let task) = RequestScope.current { task as? TaskContext } else { nil }
    }
}
