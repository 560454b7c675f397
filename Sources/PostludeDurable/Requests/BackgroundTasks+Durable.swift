internal import FoundationEssentials
public import Postlude
internal import PostludeTaskStore

extension BackgroundTasks {
    /// Adds a durable task. It is in the task store before the first byte of the response is written, and then runs in its
    /// order among the request's tasks.
    ///
    /// If the task store cannot be written, the request is answered 503, and none of its tasks runs except those whose
    /// condition asks for failures. If the handler throws, its durable tasks are dropped too.
    ///
    /// - Parameters:
    ///   - task: the task, which is encoded as JSON at once.
    ///   - delay: the time after which the task runs, in any process that is free then; nil to run it in its turn.
    ///   - key: the unique key. If another task of this kind has it when the tasks are written, the new one is not added: the
    ///     other one stands for it, here and in the response's `Task-Id`. If two are added at the same moment, only one is stored:
    ///     the `Task-Id` and the result of ``persist()`` of the other request name that one.
    ///   - scope: which other tasks count: those that are not over, or all that are still in the task store.
    ///   - expiry: as in ``DurablePolicy/expiry``; nil for the kind's.
    ///   - priority: nil for the kind's.
    ///   - stopOnFailure: whether the later tasks of this request do not run if this one fails for good, expires or is
    ///     discarded, even after a crash. They become dead letters that name this task, and run after it if it is retried. If an
    ///     operator discards it, they are discarded, too.
    /// - Returns: the id under which the task will be stored, or that of the task that has its key now. If another request adds
    ///   the key, or the other task ends, before the tasks are written, the task has another id: ``persist()`` returns it.
    /// - Throws: ``DurableTaskError`` if the application does not have the kind; `LateTaskError` after the response has begun;
    ///   the error of encoding the task; for a kind that may be published, an error if its broker would not accept the task.
    @discardableResult
    public func enqueue<Task: DurableTask>(
        _ task: Task, after delay: Duration? = nil, unique key: String? = nil,
        while scope: UniqueScope = .unfinished, expiry: Duration? = nil, priority: DurablePriority? = nil,
        stopOnFailure: Bool = false
    ) throws -> DurableTaskHandle {
        let (store, stored) = try make(
            task, after: delay, unique: key, while: scope, expiry: expiry, priority: priority,
            stopOnFailure: stopOnFailure)
        var standIn: RecordID?
        if let key {
            // Only for the handle: the transaction that stores the task decides by the state that it finds.
            standIn =
                switch scope {
                case .unfinished: try store.holder(of: key, name: Task.name)
                case .stored: try store.newest(of: key, name: Task.name)?.id
                case .within:
                    try store.newest(of: key, name: Task.name).flatMap { newest in
                        newest.stands(for: UniqueKeyScope(scope), at: Date().milliseconds) ? newest.id : nil
                    }
                }
        }
        try add(stored: stored)
        return DurableTaskHandle(id: standIn?.text ?? stored.id)
    }

    /// Adds durable tasks of one kind, as `enqueue` does for each of them.
    ///
    /// Without `duration` they run one after another on the request's worker, which takes part in no other request meanwhile. For
    /// many tasks name a duration, or add them by ``DurableTasks/enqueue(contentsOf:over:after:unique:while:expiry:priority:)``:
    /// then they run in all processes.
    ///
    /// - Parameters:
    ///   - tasks: the tasks, at most 10,000.
    ///   - duration: the time over which they are spread evenly; the first one runs at once, and all of them in any process. nil to
    ///     run them in their turn.
    ///   - key: returns the unique key of a task; nil for none.
    ///   - scope: which other tasks count.
    ///   - expiry: nil for the kind's.
    ///   - priority: nil for the kind's.
    /// - Returns: the handle of each task.
    /// - Throws: the same errors as `enqueue`; ``DurableTaskError`` if there are too many.
    @discardableResult
    public func enqueue<Tasks: Collection>(
        contentsOf tasks: Tasks, over duration: Duration? = nil,
        unique key: (Tasks.Element) -> String? = { _ in nil }, while scope: UniqueScope = .unfinished,
        expiry: Duration? = nil, priority: DurablePriority? = nil
    ) throws -> [DurableTaskHandle] where Tasks.Element: DurableTask {
        try DurableTasks.checkCount(tasks)
        let count = tasks.count
        return try tasks.enumerated().map { index, task in
            try enqueue(
                task, after: duration.map { $0 / count * index }, unique: key(task), while: scope,
                expiry: expiry, priority: priority)
        }
    }

    /// Makes a task that is to be stored.
    func make<Task: DurableTask>(
        _ task: Task, after delay: Duration?, unique key: String?, while scope: UniqueScope,
        expiry: Duration?,
        priority: DurablePriority?, stopOnFailure: Bool
    ) throws -> (store: any DurableTaskStore, task: LocalDurableTask) {
        let store = try durableStore(for: Task.name)
        let options = EnqueueOptions(
            delay: delay, key: key, scope: scope, expiry: expiry, priority: priority)
        var (record, kind) = try store.kinds.record(of: task, options, from: requestID, check: store.check)
        record.stopsOnFailure = stopOnFailure
        return (store, LocalDurableTask(task, kind: kind, record: record))
    }

    /// Writes the durable tasks that were added so far to the task store now, in one transaction, instead of after the handler
    /// has returned. The response can then depend on what was stored.
    ///
    /// ```swift
    /// func placeOrder(order: JSONBody<Order>, tasks: BackgroundTasks) throws -> Response {
    ///     let (id, key) = (order.id, "\(order.id)")
    ///     try tasks.enqueue(Charge(order: id), unique: key, while: .stored, stopOnFailure: true)
    ///     try tasks.enqueue(SendReceipt(order: id, address: order.email), unique: key, while: .stored)
    ///     let persisted = try tasks.persist()
    ///     guard persisted.allSatisfy(\.isNew) else { return try .json(persisted.map(\.status.state)) }
    ///     return .text("accepted", status: .accepted)
    /// }
    /// ```
    ///
    /// If two requests add the same unique task at the same moment, one gets it as new, and the other one gets that task. After
    /// this call the tasks run in any case: after the response, whatever it is, also if the handler throws or is late, or if
    /// middleware calls `next` again. Tasks that depend on each other must be written by one call.
    ///
    /// - Returns: the stored or existing task for each task that this call has written, in the order in which they were added.
    /// - Throws: an error if the task store cannot be written; then none of them is. The request is answered 503 with
    ///   `Retry-After` if the handler does not catch it.
    public func persist() throws -> [PersistedDurableTask] {
        try persistStored().compactMap { ($0 as? any RecordedTask)?.receipt }
    }
}

extension BackgroundTasks {
    /// Returns the status of a durable task of any process. Changes of the last hundredth of a second may not be visible yet.
    ///
    /// For a published task this queries Celery's results, if the manifest names them, which takes a round trip.
    ///
    /// - Parameter id: the id from the response's `Task-Id`. It is validated, so that a client's input may be passed.
    /// - Returns: nil if there is no such task, or if it was removed: see the manifest's `task-store.keep`.
    /// - Throws: an error if the task store or the results cannot be read; ``DurableTaskError`` if there is no task store.
    public func status(of id: String) throws -> DurableTaskStatus? {
        let store = try durableStore(for: id)
        guard let id = RecordID(id) else { return nil }
        return try store.status(of: try store.record(id))
    }

    /// Returns the status of the newest task of a kind with a unique key, over or not.
    ///
    /// ```swift
    /// let charge = try tasks.status(of: Charge.self, unique: order.id)
    /// ```
    ///
    /// - Returns: nil if there is no such task, or if it was removed: see the manifest's `task-store.keep`.
    /// - Throws: the same errors as the look-up by id.
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
