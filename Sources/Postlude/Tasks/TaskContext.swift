/// The task that the current code runs for, known to everything that it calls.
///
/// ```swift
/// func sync() throws {
///     for page in pages where TaskContext.current?.isCancelled != true { try load(page) }
/// }
/// ```
public struct TaskContext: Sendable {
    /// The id of the request whose handler has added the task.
    public var requestID: String { request.id }
    /// The pattern of the request's route.
    public var route: String { request.route }
    /// The task's name, or its place in the source.
    public var taskName: String { task.name }
    /// The id of a durable task, by which its record is found; nil for other tasks.
    public var taskID: String? { task.stored?.id }
    /// 1 for the first one; of a durable task those that other processes have begun count too.
    public let attempt: Int
    private let task: BackgroundTask
    private let request: RequestIdentity

    init(_ task: BackgroundTask, of request: RequestIdentity) {
        self.task = task
        self.request = request
        attempt = task.attempts
    }

    /// Whether the attempt is past its deadline: a synchronous task, which cannot be interrupted, should come to its
    /// end. An async one learns it from `Task.isCancelled`, too.
    public var isCancelled: Bool { task.isPastDeadline }

    /// nil outside of tasks, and in a detached task that one of them has started.
    public static var current: TaskContext? {
        if case .task(let context) = Scope.current { context } else { nil }
    }
}
