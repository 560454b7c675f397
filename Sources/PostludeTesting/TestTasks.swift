public import Postlude

/// The tasks of one request, to be looked at and run: none of them begins by itself.
///
/// ```swift
/// let response = try await app.send(.post("/orders/7"))
/// #expect(response.tasks.queued.map(\.name) == ["charge", "mail"])
/// #expect(response.tasks.queued.first?.arguments.first as? Int == 7)
/// try await response.tasks.runNext()
/// let lost = try await response.tasks.crash(after: 0)  // as if the process had ended now
/// ```
///
/// Tasks run on the worker's thread, like the handler. The time until a retry is over at once.
public struct TestTasks: Sendable {
    /// A task that has not ended.
    public struct Task: Sendable {
        /// The task's name, or its place in the source.
        public let name: String
        /// What the task's function will be called with; nothing for a closure.
        public let arguments: [any Sendable]
        /// `queued`, or `waiting` for another attempt.
        public let state: TaskHandle.State
    }

    private let tasks: OfflineTasks

    init(_ tasks: OfflineTasks) { self.tasks = tasks }

    /// The tasks that have not ended, in the order in which they will be called.
    public var queued: [Task] {
        tasks.left.map { Task(name: $0.task.name, arguments: $0.arguments, state: $0.task.state) }
    }

    /// The tasks that have failed for good, in the order in which they did.
    public var failures: [TaskFailure] { tasks.failures }

    /// Runs the next task, or all tasks of the next group; nothing when none is left.
    ///
    /// - Throws: when the worker's thread is gone; what a task throws is among the `failures`.
    public func runNext() async throws { try await tasks.runNext() }

    /// Runs what is left, one after another, also what a task adds.
    ///
    /// - Throws: when the worker's thread is gone; what a task throws is among the `failures`.
    public func runAll() async throws { try await tasks.runAll() }

    /// Ends the process, as far as this request can tell: some tasks run, the others never do.
    ///
    /// - Parameter count: how many tasks, or groups, run before.
    /// - Returns: the tasks that are lost.
    /// - Throws: when the worker's thread is gone.
    @discardableResult
    public func crash(after count: Int) async throws -> [Task] {
        for _ in 0..<max(0, count) { try await tasks.runNext() }
        let lost = queued
        tasks.abandon()
        return lost
    }
}
