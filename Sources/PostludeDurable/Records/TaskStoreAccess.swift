internal import Postlude
internal import PostludeTaskStore

/// A task store, and who is told of what is kept in it for others.
struct TaskStoreAccess: Sendable {
    let taskStore: SQLiteTaskStore
    /// nil if the application has no broker.
    let outbox: Outbox?

    /// Keeps a request's tasks, all of them or none.
    ///
    /// - Returns: those that another process is to run.
    @discardableResult
    func keep(
        _ tasks: [any PersistedTask], of request: TaskOrigin, runsHere: Bool
    ) throws -> [any RecordedTask] {
        let tasks = tasks.compactMap { $0 as? any RecordedTask }
        guard !tasks.isEmpty else { return [] }
        var new = NewRequest(
            id: request.requestID, route: request.route,
            records: Self.inOrder(tasks.map(\.record), stoppingOnFailure: request.stopsOnFailure))
        new.runsHere = runsHere
        let kept = try taskStore.append(new)
        for ((task, record), kept) in zip(zip(tasks, new.records), kept) {
            task.kept(kept, as: record, of: request, in: self, runsHere: runsHere)
        }
        if new.records.contains(where: { $0.queue != nil && !$0.leavesInTurn }) { outbox?.ring() }
        return tasks.filter { !$0.runsHere && $0.record.queue == nil }
    }

    /// What stands after a task that stops those after it does not leave before that has succeeded.
    private static func inOrder(_ records: [NewRecord], stoppingOnFailure stopsAll: Bool) -> [NewRecord] {
        var records = records
        var isBehind = false
        for index in records.indices {
            if stopsAll { records[index].stopsOnFailure = true }
            records[index].leavesInTurn = isBehind && records[index].queue != nil
            isBehind = isBehind || records[index].stopsOnFailure
        }
        return records
    }
}

extension TaskStoreAccess {
    /// A task's turn has come to leave.
    func send(_ id: RecordID, to queue: String) {
        taskStore.ended(id, .moved(queue: queue, reason: nil))
        outbox?.ring(behindNotes: true)
    }

    /// A task does not run because one before it has failed.
    ///
    /// - Parameter blocker: that one's id, if it is in the task store.
    func stopped(_ id: RecordID, by name: String, _ blocker: String?) {
        let text = "the task \(name)\(blocker.map { " " + $0 } ?? "") before it has failed"
        taskStore.ended(id, .stopped(by: blocker.flatMap { RecordID($0) }, error: text))
    }
}
