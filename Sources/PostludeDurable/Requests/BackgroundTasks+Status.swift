public import Postlude
internal import PostludeTaskStore

extension BackgroundTasks {
    /// How far a durable task has come, of whatever process. What has happened in the last hundredth of a second may not be
    /// seen yet.
    ///
    /// For a task that has left, Celery's results are asked where the manifest says where they are, which takes a round
    /// trip.
    ///
    /// - Parameter id: as in the response's `Task-Id`. What a client has sent may be given: it is checked.
    /// - Returns: nil if there is none, or none any more: see the manifest's `task-store.keep`.
    /// - Throws: where the task store cannot be read, or the results; ``DurableTaskError`` if there is no task store.
    public func status(of id: String) throws -> DurableTaskStatus? {
        let store = try durableStore(for: id)
        guard let id = RecordID(id) else { return nil }
        return try store.status(of: try store.record(id))
    }

    /// How far the newest task of a kind with a unique key has come, over or not.
    ///
    /// ```swift
    /// let charge = try tasks.status(of: Charge.self, unique: order.id)
    /// ```
    ///
    /// - Returns: nil if there is none, or none any more: see the manifest's `task-store.keep`.
    /// - Throws: as the look-up by id.
    public func status<Task: DurableTask>(of kind: Task.Type, unique key: String) throws -> DurableTaskStatus?
    {
        let store = try durableStore(for: Task.name)
        return try store.status(of: try store.newest(of: key, name: Task.name))
    }

    func durableStore(for task: String) throws -> any DurableTaskStore {
        guard let store = store as? any DurableTaskStore else { throw DurableTaskError.noEngine(task: task) }
        return store
    }
}

extension DurableTaskStore {
    fileprivate func status(of record: Record?) throws -> DurableTaskStatus? {
        guard let record else { return nil }
        var status = DurableTaskStatus(record)
        if record.state == .published, let result = try broker?.result(of: status.id) { status.add(result) }
        return status
    }
}
