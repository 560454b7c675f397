internal import FoundationEssentials
public import Postlude
internal import PostludeTaskStore

extension BackgroundTasks {
    /// Adds a task that is in the task store before the first byte of the response is written, and then runs in its order
    /// among the request's tasks.
    ///
    /// Where the task store cannot be written, the request is answered 503 and none of its tasks runs, but for those whose
    /// condition asks for failures. A handler that throws drops its durable tasks too.
    ///
    /// - Parameters:
    ///   - task: encoded to JSON at once.
    ///   - delay: it runs after this time, not before; whichever process is free then runs it. nil for its turn.
    ///   - key: another task of this kind with this key stands for this one, which is then not added, here and in the
    ///     response's `Task-Id`. Of two that are added at the same moment one is not: its response's `Task-Id` names the
    ///     other, and so does what ``keep()`` returns.
    ///   - scope: which others those are: those that are not over, or all that the task store still has.
    ///   - expiry: as in ``DurablePolicy/expiry``; nil for the kind's.
    ///   - priority: nil for the kind's.
    ///   - stopOnFailure: if it fails for good, expires or is discarded, the tasks after it in this request do not run, also
    ///     after a crash: they become dead letters that name it, and follow it when it is retried.
    /// - Returns: the task's id.
    /// - Throws: ``DurableTaskError`` where the application does not know the kind; `LateTaskError` once the response has begun;
    ///   what encoding the task throws; for a kind that may leave this machine, why its broker would not take the task.
    @discardableResult
    public func enqueue<Task: DurableTask>(
        _ task: Task, after delay: Duration? = nil, unique key: String? = nil,
        while scope: UniqueScope = .unfinished, expiry: Duration? = nil, priority: DurablePriority? = nil,
        stopOnFailure: Bool = false
    ) throws -> DurableTaskHandle {
        guard let store = store as? any DurableTaskStore else {
            throw DurableTaskError.noEngine(task: Task.name)
        }
        guard let kind = store.kinds[Task.name], kind.type == Task.self else {
            throw DurableTaskError.unknownKind(task: Task.name, type: "\(Task.self)")
        }
        let now = Date()
        var record = kind.record(try StoredValues.encode(task), at: now, expiry: expiry, priority: priority)
        record.notBefore = delay.map(now.advanced(by:))
        record.stopsOnFailure = stopOnFailure
        if let key {
            record.uniqueKey = key
            record.uniqueScope = scope == .kept ? .kept : .unfinished
            // For the handle alone: the transaction that adds it decides.
            record.standIn =
                switch scope {
                case .unfinished: try store.holder(of: key, name: Task.name)
                case .kept: try store.newest(of: key, name: Task.name)?.id
                }
        }
        // Also what may leave later: an error could not be reported then.
        if let queue = record.queue ?? kind.policy.promotion?.place.queue {
            try store.check(OutgoingTask(record, of: requestID), for: queue)
        }
        let stored = LocalDurableTask(task, kind: kind, record: record)
        try add(stored: stored)
        return DurableTaskHandle(id: record.standIn?.text ?? stored.id)
    }

    /// Writes the durable tasks that were added so far to the task store now, in one transaction, instead of when the handler
    /// has returned: so that the answer can say what has become of them.
    ///
    /// ```swift
    /// func placeOrder(order: JSONBody<Order>, tasks: BackgroundTasks) throws -> Response {
    ///     let (id, key) = (order.id, "\(order.id)")
    ///     try tasks.enqueue(Charge(order: id), unique: key, while: .kept, stopOnFailure: true)
    ///     try tasks.enqueue(SendReceipt(order: id, address: order.email), unique: key, while: .kept)
    ///     let kept = try tasks.keep()
    ///     guard kept.allSatisfy(\.isNew) else { return try .json(kept.map(\.status.state)) }
    ///     return .text("accepted", status: .accepted)
    /// }
    /// ```
    ///
    /// Of two requests that add the same unique task at the same moment one gets it as new, and the other one gets that
    /// task. From now on the tasks are promised: they run after the response, whatever it is, also if the handler throws
    /// or is late, and if middleware calls `next` again. Tasks that depend on each other are written by one call.
    ///
    /// - Returns: what the task store has for each task that this call has written, in the order in which they were added.
    /// - Throws: where the task store cannot be written; none of them is. The request is answered 503 with `Retry-After` if the
    ///   handler does not catch it.
    public func keep() throws -> [KeptDurableTask] {
        try keepStored().compactMap { ($0 as? any RecordedTask)?.receipt }
    }
}

/// Which tasks stand for a new one of their kind with the same unique key.
public enum UniqueScope: Sendable, Hashable {
    /// One that is not over. When it is over, its key is free.
    case unfinished
    /// One that the task store has, whatever has become of it: as long as the manifest's `task-store.keep` and `keep-failed` say.
    case kept
}

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
