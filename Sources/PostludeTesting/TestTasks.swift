public import Postlude

/// The tasks of one request, for inspecting and running. They do not run by themselves.
///
/// ```swift
/// let response = try await app.send(.post("/orders/7"))
/// #expect(response.tasks.queued.map(\.name) == ["charge", "mail"])
/// #expect(response.tasks.queued.first?.arguments.first as? Int == 7)
/// try await response.tasks.runNext()
/// let lost = try await response.tasks.crash(after: 0)  // as if the process had ended now
/// ```
///
/// Tasks run on the worker's thread, like the handler. Delays before retries are skipped.
public struct TestTasks: Sendable {
    /// A task that has not ended.
    public struct Task: Sendable {
        /// The task's name, or its source location.
        public let name: String
        /// The arguments of the task's function; empty for a closure.
        public let arguments: [any Sendable]
        /// `queued`, or `waiting` for another attempt.
        public let state: TaskHandle.State
    }

    private let tasks: OfflineTasks

    init(_ tasks: OfflineTasks) { self.tasks = tasks }

    /// The tasks that have not ended, in the order in which they will be called.
    public var queued: [Task] {
        tasks.queued.map { Task(name: $0.task.name, arguments: $0.arguments, state: $0.task.state) }
    }

    /// The tasks that have failed for good, in the order of their failures.
    public var failures: [TaskFailure] { tasks.failures }

    /// Runs the next task, or all tasks of the next group. Does nothing if no task is left.
    ///
    /// - Throws: an error if the worker's thread has ended. Errors of tasks are in `failures`.
    public func runNext() async throws { try await tasks.runNext() }

    /// Runs all remaining tasks one after another, and those that they add.
    ///
    /// - Throws: an error if the worker's thread has ended. Errors of tasks are in `failures`.
    public func runAll() async throws { try await tasks.runAll() }

    /// Simulates the end of the process for this request: runs some tasks, and drops the others.
    ///
    /// - Parameter count: the number of tasks, or groups, that run before.
    /// - Returns: the tasks that are lost.
    /// - Throws: an error if the worker's thread has ended.
    @discardableResult
    public func crash(after count: Int) async throws -> [Task] {
        for _ in 0..<max(0, count) { try await tasks.runNext() }
        let unfinished = queued
        tasks.abandon()
        return unfinished
    }
}
