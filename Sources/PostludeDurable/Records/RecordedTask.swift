internal import Postlude
internal import PostludeTaskStore

/// A task of which this module's store keeps a record.
protocol RecordedTask: PersistedTask {
    var record: NewRecord { get }
    /// What the task store has for it; nil until it is kept.
    var receipt: KeptDurableTask? { get }

    /// The task store has it.
    ///
    /// - Parameters:
    ///   - record: as it was written.
    ///   - runsHere: whether this process is the owner of what is due.
    func kept(
        _ kept: KeptRecord, as record: NewRecord, of request: TaskOrigin, in access: TaskStoreAccess,
        runsHere: Bool)
}

/// A durable task that was added.
public struct DurableTaskHandle: Sendable, Hashable {
    /// A UUID, the same in every process, in the task store and in the response's `Task-Id`, which names a request's first 32.
    public let id: String
}

/// A durable task that is in the task-store: what ``Postlude/BackgroundTasks/keep()`` has found or made.
public struct KeptDurableTask: Sendable, Hashable {
    /// Whether this request has added it; else another one has, and it stands for the one that was to be added.
    public let isNew: Bool
    /// How far it has come.
    public let status: DurableTaskStatus
    /// As in the response's `Task-Id`.
    public var id: String { status.id }
}

extension KeptDurableTask {
    init(_ kept: KeptRecord, as record: NewRecord, of request: TaskOrigin) {
        switch kept {
        case .added(let id): self.init(isNew: true, status: DurableTaskStatus(record, id: id, of: request))
        case .exists(let other): self.init(isNew: false, status: DurableTaskStatus(other))
        }
    }
}

/// A store that knows kinds of durable tasks.
protocol DurableTaskStore: TaskStore {
    var kinds: DurableTaskKinds { get }

    /// - Returns: the task of that name that is not over and has a unique key.
    func holder(of key: String, name: String) throws -> RecordID?

    func record(_ id: RecordID) throws -> Record?

    /// - Returns: the newest task of that name that has a unique key, over or not.
    func newest(of key: String, name: String) throws -> Record?

    /// What tells of tasks that have left; nil if the application has no broker, or is not served.
    var broker: (any OpenTaskBroker)? { get }

    /// Checks what is to be kept for a queue.
    ///
    /// - Throws: also where the application has no broker.
    func check(_ task: OutgoingTask, for queue: String) throws
}

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
