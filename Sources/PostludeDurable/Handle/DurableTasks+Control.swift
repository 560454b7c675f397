internal import PostludeTaskStore

/// Which durable tasks are paused, resumed or cancelled.
public struct DurableTaskSelection: Sendable {
    let target: ControlTarget
    /// The kind, for errors.
    let name: String

    /// All tasks of a kind.
    public static func kind<Task: DurableTask>(_ kind: Task.Type) -> DurableTaskSelection {
        DurableTaskSelection(target: .kind(Task.name), name: Task.name)
    }

    /// The tasks of a kind with a unique key. Of those that are not over there is at most one.
    public static func key<Task: DurableTask>(
        _ key: String, of kind: Task.Type
    ) -> DurableTaskSelection {
        DurableTaskSelection(target: .key(key, name: Task.name), name: Task.name)
    }

    /// One task.
    ///
    /// - Parameter id: the task's id.
    /// - Returns: nil if the id is malformed.
    public static func task(_ id: String) -> DurableTaskSelection? {
        RecordID(id).map { DurableTaskSelection(target: .task($0), name: id) }
    }
}

extension DurableTasks {
    /// Holds tasks back until they are resumed, also across restarts: no process begins them (<doc:PauseResumeCancel>).
    ///
    /// ```swift
    /// try durableTasks.pause(.kind(SendReceipt.self), by: "the monitor")
    /// ```
    ///
    /// A task that is running goes on. A process that has a task already, such as that of its request, learns of the pause within
    /// a second.
    ///
    /// - Parameters:
    ///   - selection: a kind, a key or a task. A kind and a key also include tasks that are added later.
    ///   - who: the user, for the record of actions (`tasks actions`).
    /// - Returns: false if they are paused already, or if there is no such task that is not over.
    /// - Throws: an error if the task store cannot be written; ``DurableTaskError`` if there is none.
    @discardableResult
    public func pause(_ selection: DurableTaskSelection, by who: String) throws -> Bool {
        try perform(for: selection.name) { target in
            let result = try target.taskStore.pause(
                selection.target.pause, by: ActionOrigin(who: who))
            target.added([])
            return result == .changed
        }
    }

    /// Ends a pause. What it has held back runs.
    ///
    /// - Parameters:
    ///   - selection: what was paused.
    ///   - who: the user, for the record of actions.
    /// - Returns: false if it was not paused.
    /// - Throws: the same errors as ``pause(_:by:)``.
    @discardableResult
    public func resume(_ selection: DurableTaskSelection, by who: String) throws -> Bool {
        try perform(for: selection.name) { target in
            let result = try target.taskStore.resume(
                selection.target.pause, by: ActionOrigin(who: who))
            target.added([])
            return result == .changed
        }
    }

    /// Cancels tasks that are not over. Running ones get Swift's cancellation within a second, in whatever process:
    /// `Task.isCancelled` and `TaskContext.isCancelled` are true. They end as `cancelled`, whatever they return or throw then.
    ///
    /// - Parameters:
    ///   - selection: a kind, a key or a task. Tasks that are added later are not cancelled.
    ///   - who: the user, for the record of actions.
    /// - Returns: the number of tasks that are cancelled, or will be.
    /// - Throws: the same errors as ``pause(_:by:)``.
    @discardableResult
    public func cancel(_ selection: DurableTaskSelection, by who: String) throws -> Int {
        try perform(for: selection.name) { target in
            let (count, _) = try target.taskStore.cancel(selection.target, by: who)
            target.added([])
            return count
        }
    }
}
