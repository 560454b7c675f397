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
