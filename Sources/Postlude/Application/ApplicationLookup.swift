extension Request {
    /// Returns the application that serves the request, so that an input or a dependency can use its properties, such as
    /// a database.
    ///
    /// - Throws: an error that names both types if the application has another type.
    public func application<App: Application>(_ type: App.Type = App.self) throws -> App {
        try OtherApplication.check(storage.application, is: type)
    }
}

extension TaskContext {
    /// Returns the application to which the task belongs, and which holds shared resources such as a database.
    ///
    /// ```swift
    /// tasks.add(named: "look up") {
    ///     let shop = try TaskContext.current?.application(Shop.self)
    ///     _ = try await shop?.users.find("ada")
    /// }
    /// ```
    ///
    /// This is the application that has answered the request or, after a crash, the application of the process that runs
    /// the task. A durable task gets the context as its argument.
    ///
    /// - Throws: an error that names both types if the application has another type.
    public func application<App: Application>(_ type: App.Type = App.self) throws -> App {
        try OtherApplication.check(application, is: type)
    }

    /// Creates a context for a test that calls a task directly.
    ///
    /// ```swift
    /// let context = TaskContext(of: Shop(), taskID: "a", attempt: 2)
    /// ```
    ///
    /// - Parameters:
    ///   - application: the application that ``application(_:)`` returns.
    ///   - taskID: the task's id; nil for a new one.
    ///   - attempt: the number of the attempt, from 1.
    ///   - taskName: the task's name.
    ///   - requestID: the id of the request that has added the task.
    ///   - route: the pattern of that request's route.
    ///   - isCancelled: whether the attempt is past its deadline.
    public init(
        of application: (any Application)? = nil, taskID: String? = nil, attempt: Int = 1,
        taskName: String = "task", requestID: String = "request", route: String = "",
        isCancelled: Bool = false
    ) {
        self.init(
            taskName: taskName, taskID: taskID, attempt: attempt, isCancelled: isCancelled,
            of: RequestIdentity(id: requestID, route: route), in: application)
    }
}

/// An error of the program, which is logged, and answered with 500 or counted as a task's failure.
struct OtherApplication: Error, CustomStringConvertible {
    let expected: String
    let found: String

    static func check<App: Application>(_ found: (any Sendable)?, is type: App.Type) throws -> App {
        guard let application = found as? App else {
            throw Self(expected: "\(type)", found: found.map { "\(Swift.type(of: $0))" } ?? "none")
        }
        return application
    }

    var description: String { "the application \(expected) was asked for, but it is \(found)" }
}
