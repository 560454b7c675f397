internal import FoundationEssentials
public import Postlude
internal import PostludeTaskStore

extension TaskContext {
    /// Adds a durable task in the commit of this one: it exists exactly if this attempt succeeds. It then runs in any process
    /// that is free, independently of others that the attempt adds.
    ///
    /// ```swift
    /// struct Settle: DurableTask {
    ///     var orders: [Int]
    ///
    ///     func run(_ context: TaskContext) async throws {
    ///         for order in orders { try context.enqueue(Charge(order: order), unique: "\(order)") }
    ///     }
    /// }
    /// ```
    ///
    /// The tasks of an attempt that throws, or whose process dies, do not exist. With ``transaction(_:)`` they are in that
    /// transaction; none can be added after it.
    ///
    /// - Parameters:
    ///   - task: the task, which is encoded as JSON at once. An attempt can add 1,000.
    ///   - delay: the time after which the task runs, counted from now; nil for at once.
    ///   - key: the unique key. If another task of this kind has it when this attempt ends, the new one is not added.
    ///   - scope: which other tasks count: those that are not over, or all that are still in the task store.
    ///   - expiry: as in ``DurablePolicy/expiry``; nil for the kind's.
    ///   - priority: nil for the kind's.
    /// - Returns: the id under which the task will be stored.
    /// - Throws: ``DurableTaskError`` if the running task is not a durable one of this process, if its attempt has ended, if it
    ///   adds too many, or if the application does not have the kind; the error of encoding the task; for a kind that may be
    ///   published, an error if its broker would not accept it.
    @discardableResult
    public func enqueue<Task: DurableTask>(
        _ task: Task, after delay: Duration? = nil, unique key: String? = nil,
        while scope: UniqueScope = .unfinished, expiry: Duration? = nil, priority: DurablePriority? = nil
    ) throws -> DurableTaskHandle {
        guard let parent = storedTask as? LocalDurableTask, let store = store as? any DurableTaskStore else {
            throw DurableTaskError.notInDurableTask(task: Task.name, in: taskName)
        }
        let options = EnqueueOptions(
            delay: delay, key: key, scope: scope, expiry: expiry, priority: priority)
        let (record, _) = try store.kinds.record(of: task, options, from: requestID, check: store.check)
        let taskStore = try store.openAccess().taskStore
        try TaskStoreError.checkText(
            of: NewRequest(id: requestID, route: route, records: [record]), at: taskStore.place)
        try parent.add(record, of: TaskOrigin(requestID: requestID, route: route))
        return DurableTaskHandle(id: record.id?.text ?? "")
    }

    /// The durable tasks of the application, for an ordinary task that adds some: they are on the disk when `enqueue` returns.
    ///
    /// ```swift
    /// tasks.add(named: "import") {
    ///     guard let context = TaskContext.current else { return }
    ///     try context.durableTasks.enqueue(contentsOf: try await readOrders().map { Charge(order: $0) })
    /// }
    /// ```
    ///
    /// In a durable task, they exist even if its attempt fails, other than those of
    /// ``enqueue(_:after:unique:while:expiry:priority:)``.
    public var durableTasks: DurableTasks {
        DurableTasks(
            store as? any DurableTaskStore, of: TaskOrigin(requestID: requestID, route: route))
    }
}
