internal import PostludeLogOutput

/// The tasks that run, on the same worker, after the response is finished.
///
/// A handler asks for them by a parameter of this type. Tasks run one after another in the order in which they were
/// added; one that throws is logged, and the next one runs. Adding is safe from every child task of the handler, and
/// from a task, whose additions come last.
///
/// ```swift
/// func process(item: Path<Item>, tasks: BackgroundTasks) -> [String: String] {
///     tasks.add(processData, item.id, "high")
///     tasks.add(named: "audit", when: .always, retry: .init(attempts: 5)) { try await audit() }
///     return ["status": "processing"]
/// }
/// ```
///
/// A handler that throws drops its tasks, unless their condition says otherwise (``TaskCondition``).
///
/// An async task, too, runs on the worker's thread, also after an `await`. Only inside an actor that several requests
/// share may its code run on another worker's thread, the one that the actor works for at that moment; afterwards
/// the task is back on its own.
///
/// Swift asks for a closure around some functions: a synchronous `@MainActor` function
/// (`tasks.add { await count() }`), and one whose default arguments are wanted (`tasks.add { report(text) }`).
public struct BackgroundTasks: Sendable {
    @usableFromInline let queue: TaskQueue

    init(_ queue: TaskQueue) { self.queue = queue }

    /// Adds a function with its arguments.
    ///
    /// - Parameters:
    ///   - name: what the log calls the task; by default the place where it was added.
    ///   - condition: what must have become of the request; by default nothing was thrown.
    ///   - deadline: after this time an attempt is cancelled; by default the route's `tasks.deadline`. A synchronous
    ///     task is not interrupted: it can look at ``TaskContext/isCancelled``.
    ///   - retry: whether it is called again when it throws.
    ///   - stopOnFailure: when it fails for good, the tasks behind it are dropped.
    ///   - function: called once for each attempt, after the response is finished.
    ///   - arguments: `Sendable` values of its own, since the request is gone by then.
    ///   - fileID: the source file, for the name of a task without one.
    ///   - line: the line in that file.
    /// - Returns: the means to take the task back.
    @inlinable
    @discardableResult
    public func add<each Argument: Sendable, Output>(
        named name: String? = nil, when condition: TaskCondition = .handlerReturned,
        deadline: Duration? = nil,
        retry: RetryPolicy = .none, stopOnFailure: Bool = false,
        _ function: @escaping @Sendable (repeat each Argument) throws -> Output,
        _ arguments: repeat each Argument, fileID: StaticString = #fileID, line: UInt = #line
    ) -> TaskHandle {
        queue.add(
            BackgroundTask(
                name: name, place: (fileID, line),
                options: TaskOptions(
                    condition: condition, deadline: deadline, retry: retry, stopOnFailure: stopOnFailure),
                arguments: { list(repeat each arguments) },
                function: .sync { _ = try function(repeat each arguments) }))
    }

    /// Adds an async function with its arguments.
    ///
    /// - Parameters:
    ///   - name: what the log calls the task; by default the place where it was added.
    ///   - condition: what must have become of the request; by default nothing was thrown.
    ///   - deadline: after this time an attempt is cancelled; by default the route's `tasks.deadline`. Cancellation is
    ///     cooperative (`Task.isCancelled`).
    ///   - retry: whether it is called again when it throws.
    ///   - stopOnFailure: when it fails for good, the tasks behind it are dropped.
    ///   - function: called once for each attempt, after the response is finished.
    ///   - arguments: `Sendable` values of its own, since the request is gone by then.
    ///   - fileID: the source file, for the name of a task without one.
    ///   - line: the line in that file.
    /// - Returns: the means to take the task back.
    @inlinable
    @discardableResult
    public func add<each Argument: Sendable, Output>(
        named name: String? = nil, when condition: TaskCondition = .handlerReturned,
        deadline: Duration? = nil,
        retry: RetryPolicy = .none, stopOnFailure: Bool = false,
        _ function: @escaping @Sendable (repeat each Argument) async throws -> Output,
        _ arguments: repeat each Argument, fileID: StaticString = #fileID, line: UInt = #line
    ) -> TaskHandle {
        queue.add(
            BackgroundTask(
                name: name, place: (fileID, line),
                options: TaskOptions(
                    condition: condition, deadline: deadline, retry: retry, stopOnFailure: stopOnFailure),
                arguments: { list(repeat each arguments) },
                function: .async { _ = try await function(repeat each arguments) }))
    }

    /// Adds tasks that run beside each other. The next task of the queue starts when all of them have ended; each one
    /// that fails is reported for itself.
    ///
    /// - Parameters:
    ///   - name: stands before the names of the group's tasks.
    ///   - limit: how many of them run at once, 1 to 64.
    ///   - build: adds the tasks, at once.
    public func group(
        named name: String? = nil, limit: Int = 4, _ build: (inout BackgroundTaskGroup) throws -> Void
    ) rethrows {
        var group = BackgroundTaskGroup(name: name)
        try build(&group)
        queue.add(group.tasks, limit: min(64, max(1, limit)))
    }

    /// From now on, the first task of this request that fails for good ends the queue: the tasks behind it are dropped
    /// and named in the log. Durable tasks behind it become dead letters, and what holds for them holds after a crash, too.
    public func stopOnFailure() { queue.stopOnFailure() }
}

// MARK: Persisted tasks

extension BackgroundTasks {
    /// The process's store; nil where the application has none.
    package var store: (any TaskStore)? { queue.registry.store }

    /// Has the store keep the stored tasks that it has not got yet, before the response: all of them or none.
    ///
    /// - Returns: what was kept, in order.
    /// - Throws: `TasksNotKept`, which is answered 503.
    package func keepStored() throws -> [any PersistedTask] {
        guard let store else { return [] }
        do {
            return try queue.keepStored(in: store, runsHere: true)
        } catch {
            throw TasksNotKept(reason: error)
        }
    }

    /// The id of the request whose tasks these are.
    package var requestID: String { queue.requestID }

    /// Adds a task that is kept before the first byte of the response is written.
    ///
    /// - Throws: when the response has begun.
    package func add(stored: any PersistedTask) throws { try queue.add(stored) }
}

/// Durable tasks that could not be kept: the request is answered 503.
struct TasksNotKept: Error, CustomStringConvertible {
    let reason: any Error
    var description: String { "durable tasks could not be persisted: \(LoggedError.text(reason))" }
}

/// A durable task that was added when its request's response had begun, or was over: it could not be promised any more.
public struct LateTaskError: Error, Sendable, CustomStringConvertible {
    /// The task's name.
    public let name: String

    init(name: String) { self.name = name }

    public var description: String {
        "the durable task \(name) was added after the response had begun; add it in the handler"
    }
}

// MARK: Groups

/// Tasks that run beside each other, between the tasks before and after their group.
///
/// ```swift
/// tasks.add(store, order)
/// tasks.group(named: "notify", limit: 3) { group in
///     group.add(sendMail, order)
///     group.add(callWebhook, order)
/// }
/// tasks.add(archive, order)      // when all of the group have ended
/// ```
///
/// Async tasks take turns on the worker's thread, at each `await`. A synchronous task would hold that thread, so it
/// runs on one of its own, which ends with it; that is the only exception to the rule that tasks run on the worker
/// that served the request. Retries of several of them are waited for together.
public struct BackgroundTaskGroup: Sendable {
    private(set) var tasks: [BackgroundTask] = []
    private let name: String?

    init(name: String?) { self.name = name }

    /// Adds a function with its arguments, as ``BackgroundTasks`` does.
    ///
    /// - Parameters:
    ///   - name: what the log calls the task, after the group's name; by default the place where it was added.
    ///   - condition: what must have become of the request; by default nothing was thrown.
    ///   - deadline: after this time an attempt is cancelled; by default the route's `tasks.deadline`.
    ///   - retry: whether it is called again when it throws.
    ///   - stopOnFailure: when it fails for good, the tasks added after the group are dropped; those of the group are not.
    ///   - function: called once for each attempt, after the response is finished.
    ///   - arguments: `Sendable` values of its own, because the request no longer exists by then.
    ///   - fileID: the source file, for the name of a task without one.
    ///   - line: the line in that file.
    @inlinable
    @discardableResult
    public mutating func add<each Argument: Sendable, Output>(
        named name: String? = nil, when condition: TaskCondition = .handlerReturned,
        deadline: Duration? = nil,
        retry: RetryPolicy = .none, stopOnFailure: Bool = false,
        _ function: @escaping @Sendable (repeat each Argument) throws -> Output,
        _ arguments: repeat each Argument, fileID: StaticString = #fileID, line: UInt = #line
    ) -> TaskHandle {
        append(
            name ?? "\(fileID):\(line)",
            TaskOptions(
                condition: condition, deadline: deadline, retry: retry, stopOnFailure: stopOnFailure),
            { list(repeat each arguments) }, .sync { _ = try function(repeat each arguments) })
    }

    /// Adds an async function with its arguments, as ``BackgroundTasks`` does.
    ///
    /// - Parameters:
    ///   - name: what the log calls the task, after the group's name; by default the place where it was added.
    ///   - condition: what must have become of the request; by default nothing was thrown.
    ///   - deadline: after this time an attempt is cancelled; by default the route's `tasks.deadline`.
    ///   - retry: whether it is called again when it throws.
    ///   - stopOnFailure: when it fails for good, the tasks added after the group are dropped; those of the group are not.
    ///   - function: called once for each attempt, after the response is finished.
    ///   - arguments: `Sendable` values of its own, because the request no longer exists by then.
    ///   - fileID: the source file, for the name of a task without one.
    ///   - line: the line in that file.
    @inlinable
    @discardableResult
    public mutating func add<each Argument: Sendable, Output>(
        named name: String? = nil, when condition: TaskCondition = .handlerReturned,
        deadline: Duration? = nil,
        retry: RetryPolicy = .none, stopOnFailure: Bool = false,
        _ function: @escaping @Sendable (repeat each Argument) async throws -> Output,
        _ arguments: repeat each Argument, fileID: StaticString = #fileID, line: UInt = #line
    ) -> TaskHandle {
        append(
            name ?? "\(fileID):\(line)",
            TaskOptions(
                condition: condition, deadline: deadline, retry: retry, stopOnFailure: stopOnFailure),
            { list(repeat each arguments) }, .async { _ = try await function(repeat each arguments) })
    }

    @usableFromInline
    mutating func append(
        _ taskName: String, _ options: TaskOptions, _ arguments: @escaping @Sendable () -> [any Sendable],
        _ function: BackgroundTask.Function
    ) -> TaskHandle {
        let task = BackgroundTask(
            name: name.map { "\($0)/\(taskName)" } ?? taskName, options: options, arguments: arguments,
            function: function)
        tasks.append(task)
        return TaskHandle(task: task)
    }
}

/// A task's arguments, as a list that tests can look at.
@inlinable
func list<each Value: Sendable>(_ values: repeat each Value) -> [any Sendable] {
    var all: [any Sendable] = []
    for value in repeat each values { all.append(value) }
    return all
}
