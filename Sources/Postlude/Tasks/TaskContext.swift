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
    public var taskID: String? { givenID ?? task.stored?.id }
    /// 1 for the first one; of a durable task those that other processes have begun count too.
    public let attempt: Int
    private let task: BackgroundTask
    private let request: RequestIdentity
    private let application: (any Application)?
    private let givenID: String?

    init(_ task: BackgroundTask, of request: RequestIdentity, in application: (any Application)?) {
        self.task = task
        self.request = request
        self.application = application
        givenID = nil
        attempt = task.attempts
    }

    /// A context for a test that calls a task by itself.
    ///
    /// ```swift
    /// let context = TaskContext(of: Shop(), taskID: "a", attempt: 2)
    /// ```
    ///
    /// - Parameters:
    ///   - application: what ``application(_:)`` returns.
    ///   - taskID: the task's id; nil for a new one.
    ///   - attempt: from 1 on.
    ///   - taskName: the task's name.
    ///   - requestID: the id of the request that has added the task.
    ///   - route: the pattern of that request's route.
    ///   - isCancelled: whether the attempt is past its deadline.
    public init(
        of application: (any Application)? = nil, taskID: String? = nil, attempt: Int = 1,
        taskName: String = "task", requestID: String = "request", route: String = "",
        isCancelled: Bool = false
    ) {
        task = BackgroundTask(name: taskName, function: .sync {})
        if isCancelled { task.markPastDeadline() }
        request = RequestIdentity(id: requestID, route: route)
        self.application = application
        givenID = taskID
        self.attempt = attempt
    }

    /// The application whose task it is: it has what a task needs besides its values, such as a database.
    ///
    /// ```swift
    /// tasks.add(named: "look up") {
    ///     let shop = try TaskContext.current?.application(Shop.self)
    ///     _ = try await shop?.users.find("ada")
    /// }
    /// ```
    ///
    /// It is the application that has answered the request; after a crash, that of the process which runs the task. A
    /// durable task gets the context as its argument.
    ///
    /// - Throws: an error that names both types when the application is another one.
    public func application<App: Application>(_ type: App.Type = App.self) throws -> App {
        guard let application = application as? App else {
            throw OtherApplication(expected: "\(type)", found: application)
        }
        return application
    }

    /// Whether the attempt is past its deadline: a synchronous task, which cannot be interrupted, should come to its
    /// end. An async one learns it from `Task.isCancelled`, too.
    public var isCancelled: Bool { task.isPastDeadline }

    /// nil outside of tasks, and in a detached task that one of them has started.
    public static var current: TaskContext? {
        if case .task(let context) = RequestScope.current { context } else { nil }
    }
}
