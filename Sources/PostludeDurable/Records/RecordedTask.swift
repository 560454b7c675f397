internal import FoundationEssentials
internal import Postlude
internal import PostludeTaskStore

/// A persisted task with a record in this module's task store.
protocol RecordedTask: PersistedTask {
    var record: NewRecord { get }
    /// The result of storing the task; nil before that.
    var receipt: PersistedDurableTask? { get }

    /// Takes note that the task store has stored the task, or has found another one with the same unique key.
    ///
    /// - Parameters:
    ///   - record: the record as it was written.
    ///   - runsHere: whether this process owns the records that are due.
    func didPersist(
        _ result: AppendResult, as record: NewRecord, of request: TaskOrigin, in access: TaskStoreAccess,
        runsHere: Bool)
}

/// A handle to a durable task that was added.
public struct DurableTaskHandle: Sendable, Hashable {
    /// The task's id, a UUID. It is the same in every process, in the task store and in the response's `Task-Id`, which has the
    /// ids of a request's first 32 tasks.
    ///
    /// For a task with a unique key, it is the id that was expected when it was enqueued. The id of the task that stands for it
    /// is certain only after the tasks are written: see ``Postlude/BackgroundTasks/persist()``.
    public let id: String
}

/// A durable task in the task store, which ``Postlude/BackgroundTasks/persist()`` has written or found.
public struct PersistedDurableTask: Sendable, Hashable {
    /// Whether this request has added the task. Otherwise it is an earlier task with the same unique key, which stands for
    /// the new one.
    public let isNew: Bool
    /// The task's status.
    public let status: DurableTaskStatus
    /// The task's id, as in the response's `Task-Id`.
    public var id: String { status.id }
}

extension PersistedDurableTask {
    init(_ result: AppendResult, as record: NewRecord, of request: TaskOrigin) {
        switch result {
        case .added(let id): self.init(isNew: true, status: DurableTaskStatus(record, id: id, of: request))
        case .exists(let other): self.init(isNew: false, status: DurableTaskStatus(other))
        }
    }
}

/// A task store with kinds of durable tasks.
protocol DurableTaskStore: AnyObject, TaskStore {
    var kinds: DurableTaskKinds { get }

    /// - Returns: the task with this name and unique key that is not over; nil if there is none.
    func holder(of key: String, name: String) throws -> RecordID?

    func record(_ id: RecordID) throws -> Record?

    /// - Returns: the newest task with this name and unique key, over or not; nil if there is none.
    func newest(of key: String, name: String) throws -> Record?

    /// Returns the open task store.
    ///
    /// - Throws: an error that is answered with 503 if it is not open yet.
    func openAccess() throws -> TaskStoreAccess

    /// Makes the process look for due records, pauses and cancellations at once, because there may be some that do not run on a
    /// request's worker.
    func wake()

    /// The broker, which has the results of published tasks; nil if the application has none, before the task store is open,
    /// and in tests without a server.
    var broker: (any OpenTaskBroker)? { get }

    /// Checks a task that is to be stored for a broker's queue.
    ///
    /// - Throws: an error if the broker would not accept the task, or if the application has no broker.
    func check(_ task: OutgoingTask, for queue: String) throws
}

extension DurableTaskStore {
    func wake() {}
}

/// A task store, with the outbox that publishes its records.
struct TaskStoreAccess: Sendable {
    let taskStore: any RecordStore
    /// The outbox, which publishes tasks to the broker; nil if the application has no broker.
    let outbox: Outbox?
    /// Makes the process look for due records at once.
    var wake: @Sendable () -> Void = {}
    /// The shapes of stored tasks that this process can read.
    let shapes = ReadableShapes()
    /// What the process knows about pauses and cancellations.
    let control = ControlFollower()
    /// Whether no process claims records, in tests without a server: a task that is postponed waits in its queue.
    var isOffline = false
    /// The progress that the running tasks have reported.
    let progress = ProgressNotes()

    /// Stores a request's tasks and its answer, all of them or none.
    ///
    /// - Parameter transaction: the open transaction that is to contain them, and is committed by this call; nil for one of the
    ///   store's own.
    /// - Returns: the tasks of this program that do not run on the request's worker.
    @discardableResult
    func persist(
        _ request: PersistedRequest, within transaction: (any RequestTransaction)? = nil
    ) throws -> [any RecordedTask] {
        let (origin, runsHere) = (request.origin, request.runsHere)
        let tasks = request.tasks.compactMap { $0 as? any RecordedTask }
        guard !tasks.isEmpty || request.answer != nil else {
            try transaction?.commit()
            return []
        }
        var new = NewRequest(
            id: origin.requestID, route: origin.route,
            records: Self.inOrder(tasks.map(\.record), stoppingOnFailure: origin.stopsOnFailure))
        new.runsHere = runsHere
        new.answer = try request.answer.map { try NewAnswer($0, at: Date()) }
        let results: [AppendResult]
        if let transaction = transaction as? DurableTransaction, transaction.hasTasks {
            results = try transaction.append(new)
            try transaction.commit()
        } else {
            results = try taskStore.append(new)
        }
        for ((task, record), result) in zip(zip(tasks, new.records), results) {
            task.didPersist(result, as: record, of: origin, in: self, runsHere: runsHere)
        }
        if new.records.contains(where: { $0.queue != nil && !$0.leavesInTurn }) { outbox?.wake() }
        return tasks.filter { !$0.runsHere && $0.record.queue == nil }
    }

    /// Marks the records that are published in their turn: those for a queue after a record that stops the others on failure,
    /// because they must not be published before it has succeeded. Marks those after one that does so and has a limit, which
    /// cannot run here either.
    private static func inOrder(_ records: [NewRecord], stoppingOnFailure stopsAll: Bool) -> [NewRecord] {
        var records = records
        var isBehind = false
        var followsLimited = false
        for index in records.indices {
            if stopsAll { records[index].stopsOnFailure = true }
            records[index].leavesInTurn = isBehind && records[index].queue != nil
            isBehind = isBehind || records[index].stopsOnFailure
            records[index].followsLimited = followsLimited
            followsLimited = followsLimited || records[index].stopsOnFailure && records[index].limitKey != nil
        }
        return records
    }
}

extension TaskStoreAccess {
    /// Gives a record back that is paused, and ends one that was cancelled.
    ///
    /// - Returns: false if it is neither.
    func holdsBack(_ id: RecordID, _ record: NewRecord) -> Bool {
        guard control.isActive else { return false }
        if control.cancellation(of: id) != nil {
            cancelled(id)
            return true
        }
        guard control.isPaused(id, name: record.name, key: record.uniqueKey) else { return false }
        taskStore.ended(id, .released)
        return true
    }

    /// Ends a record that was cancelled.
    func cancelled(_ id: RecordID) {
        taskStore.ended(id, .cancelled(reason: control.cancellation(of: id) ?? ActionOrigin.reason(nil)))
    }

    /// Moves a record to the outbox, after the tasks before it have run.
    func send(_ id: RecordID, to queue: String) {
        taskStore.ended(id, .moved(queue: queue, reason: nil))
        outbox?.wake(behindNotes: true)
    }

    /// Ends a record as a dead letter, because a task before it has failed.
    ///
    /// - Parameter blocker: the id of the failed task, if it is in the task store.
    func stopped(_ id: RecordID, by name: String, _ blocker: String?) {
        let text = "the task \(name)\(blocker.map { " " + $0 } ?? "") before it has failed"
        taskStore.ended(id, .stopped(by: blocker.flatMap { RecordID($0) }, error: text))
    }
}
