internal import PostludeLogOutput

/// The tasks that run, on the same worker, after the response is finished.
///
/// A handler gets them by a parameter of this type. Tasks run one after another in the order in which they were added; one
/// that throws is logged, and the next one runs. Every child task of the handler can add tasks safely, and so can a task,
/// whose additions run last.
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
/// An async task runs on the worker's thread as well, even after an `await`. The only exception is the code of an actor that
/// several requests share: it may run on the thread of another worker for which the actor runs at that moment. Afterwards,
/// the task continues on its own thread.
///
/// Swift requires a closure around some functions: a synchronous `@MainActor` function
/// (`tasks.add { await count() }`), and a function with default arguments that are used (`tasks.add { report(text) }`).
public struct BackgroundTasks: Sendable {
    @usableFromInline let queue: TaskQueue

    init(_ queue: TaskQueue) { self.queue = queue }

    /// Adds a function with its arguments.
    ///
    /// - Parameters:
    ///   - name: the task's name in the log; by default the place in the source where it was added.
    ///   - condition: the outcome of the request that the task requires; by default, that nothing was thrown.
    ///   - deadline: the time after which an attempt is cancelled; by default the route's `tasks.deadline`. A synchronous task
    ///     is not interrupted, but can check ``TaskContext/isCancelled``.
    ///   - retry: how often the task is called again if it throws; by default, it is not.
    ///   - stopOnFailure: whether the tasks after it are dropped if it fails for good.
    ///   - function: called once for each attempt, after the response is finished.
    ///   - arguments: `Sendable` values of its own, because the request no longer exists when it runs.
    ///   - fileID: the source file, for the name of a task without one.
    ///   - line: the line in that file.
    /// - Returns: a handle that can cancel the task.
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
    ///   - name: the task's name in the log; by default the place in the source where it was added.
    ///   - condition: the outcome of the request that the task requires; by default, that nothing was thrown.
    ///   - deadline: the time after which an attempt is cancelled; by default the route's `tasks.deadline`. Cancellation is
    ///     cooperative (`Task.isCancelled`).
    ///   - retry: how often the task is called again if it throws; by default, it is not.
    ///   - stopOnFailure: whether the tasks after it are dropped if it fails for good.
    ///   - function: called once for each attempt, after the response is finished.
    ///   - arguments: `Sendable` values of its own, because the request no longer exists when it runs.
    ///   - fileID: the source file, for the name of a task without one.
    ///   - line: the line in that file.
    /// - Returns: a handle that can cancel the task.
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

    /// Adds tasks that run concurrently. The next task of the queue starts when all of them have ended. Each failure is
    /// reported separately.
    ///
    /// - Parameters:
    ///   - name: a prefix for the names of the group's tasks.
    ///   - limit: the maximum number of tasks that run at once, 1 to 64.
    ///   - build: adds the tasks to the group. It is called immediately.
    public func group(
        named name: String? = nil, limit: Int = 4, _ build: (inout BackgroundTaskGroup) throws -> Void
    ) rethrows {
        var group = BackgroundTaskGroup(name: name)
        try build(&group)
        queue.add(group.tasks, limit: min(64, max(1, limit)))
    }

    /// Has the first task of this request that fails for good end the queue: the tasks after it are dropped, and named in the
    /// log. Durable tasks after it become dead letters, even if the process crashes in between.
    public func stopOnFailure() { queue.stopOnFailure() }
}

// MARK: Persisted tasks

extension BackgroundTasks {
    /// The process's store; nil if the application has none.
    package var store: (any TaskStore)? { queue.registry.store }

    /// Has the store persist the stored tasks that it does not have yet, before the response, all of them or none.
    ///
    /// - Returns: the tasks that were persisted, in order.
    /// - Throws: `TasksNotPersisted`, which is answered with 503; another error if the request's transaction is open, which will
    ///   contain them.
    package func persistStored() throws -> [any PersistedTask] {
        guard let store else { return [] }
        if queue.isInTransaction { throw PersistedInTransaction() }
        do {
            return try queue.persist(in: store, runsHere: true)
        } catch {
            throw TasksNotPersisted(reason: error)
        }
    }

    /// The id of the request whose tasks these are.
    package var requestID: String { queue.requestID }

    /// Adds a task that is persisted before the first byte of the response is written.
    ///
    /// - Throws: ``LateTaskError`` if the response has begun.
    package func add(stored: any PersistedTask) throws { try queue.add(stored) }

    /// Adds a task that a transaction of the application's has stored, after its commit.
    ///
    /// - Returns: false if the request's tasks have begun; the task is then to be left to any process.
    package func add(committed stored: any PersistedTask) -> Bool { queue.add(committed: stored) }

    /// Checks that stored tasks can be added.
    ///
    /// - Parameter name: the task's name.
    /// - Throws: ``LateTaskError`` if the response has begun.
    package func checkAcceptsStored(_ name: String) throws {
        if !queue.acceptsStored { throw LateTaskError(name: name) }
    }

    /// The request, as the origin of its tasks.
    package var origin: TaskOrigin {
        TaskOrigin(requestID: queue.requestID, route: queue.route, stopsOnFailure: queue.stopsOnFailure)
    }
}

/// The error of durable tasks that could not be persisted, or of a transaction that could not be begun. The request is answered
/// with 503 and `Retry-After`.
package struct TasksNotPersisted: Error, CustomStringConvertible {
    package let reason: any Error
    package var description: String { "durable tasks could not be persisted: \(LoggedError.text(reason))" }

    package init(reason: any Error) { self.reason = reason }
}

/// The error of a durable task that was added after its request's response had begun, too late to be promised.
public struct LateTaskError: Error, Sendable, CustomStringConvertible {
    /// The task's name.
    public let name: String

    init(name: String) { self.name = name }

    public var description: String {
        "the durable task \(name) was added after the response had begun; add it in the handler"
    }
}

// MARK: Groups

/// Tasks that run concurrently, between the tasks before and after their group.
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
/// Async tasks take turns on the worker's thread, at each `await`. A synchronous task would block that thread, so it runs on
/// a thread of its own, which ends with it; this is the only exception to the rule that tasks run on the worker that served
/// the request. If several tasks of a group fail, their delays before the next attempts run at the same time.
public struct BackgroundTaskGroup: Sendable {
    private(set) var tasks: [BackgroundTask] = []
    private let name: String?

    init(name: String?) { self.name = name }

    /// Adds a function with its arguments, as ``BackgroundTasks`` does.
    ///
    /// - Parameters:
    ///   - name: the task's name in the log, after the group's name; by default the place in the source where it was added.
    ///   - condition: the outcome of the request that the task requires; by default, that nothing was thrown.
    ///   - deadline: the time after which an attempt is cancelled; by default the route's `tasks.deadline`.
    ///   - retry: how often the task is called again if it throws; by default, it is not.
    ///   - stopOnFailure: whether the tasks after the group are dropped if it fails for good. Those of the group are not.
    ///   - function: called once for each attempt, after the response is finished.
    ///   - arguments: `Sendable` values of its own, because the request no longer exists when it runs.
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
    ///   - name: the task's name in the log, after the group's name; by default the place in the source where it was added.
    ///   - condition: the outcome of the request that the task requires; by default, that nothing was thrown.
    ///   - deadline: the time after which an attempt is cancelled; by default the route's `tasks.deadline`.
    ///   - retry: how often the task is called again if it throws; by default, it is not.
    ///   - stopOnFailure: whether the tasks after the group are dropped if it fails for good. Those of the group are not.
    ///   - function: called once for each attempt, after the response is finished.
    ///   - arguments: `Sendable` values of its own, because the request no longer exists when it runs.
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

/// Returns a task's arguments as a list, for tests.
@inlinable
func list<each Value: Sendable>(_ values: repeat each Value) -> [any Sendable] {
    var all: [any Sendable] = []
    for value in repeat each values { all.append(value) }
    return all
}
