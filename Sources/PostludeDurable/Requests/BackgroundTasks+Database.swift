internal import FoundationEssentials
public import GRDB
public import Postlude
internal import PostludeSystem
internal import PostludeTaskStore

extension BackgroundTasks {
    /// Adds a durable task by a transaction of the application. It exists when the transaction commits, and not otherwise, and then
    /// runs on the request's worker, like one that was added by `enqueue` without a database.
    ///
    /// ```swift
    /// func placeOrder(order: JSONBody<Order>, tasks: BackgroundTasks) throws -> Accepted<[String: Int]> {
    ///     try database.write { database in
    ///         try database.execute(sql: "INSERT INTO orders (id) VALUES (?)", arguments: [order.id])
    ///         try tasks.enqueue(Charge(order: order.id), in: database)
    ///     }
    ///     return Accepted(["id": order.id])
    /// }
    /// ```
    ///
    /// After the commit the task runs in any case, also if the handler throws or is late. A task of a savepoint that was rolled back
    /// does not exist. The tasks of one transaction run in the order in which they were added, also after a crash.
    ///
    /// - Parameters:
    ///   - task: the task, which is encoded as JSON at once.
    ///   - database: a connection to the database of ``DurableStorage/database(_:)``, in a transaction.
    ///   - delay: the time after which the task runs, in any process that is free then; nil to run it in its turn.
    ///   - key: the unique key. If another task of this kind has it, the new one is not added: the other one stands for it, here and
    ///     in the response's `Task-Id`.
    ///   - scope: which other tasks count: those that are not over, or all that are still in the task store.
    ///   - expiry: as in ``DurablePolicy/expiry``; nil for the kind's.
    ///   - priority: nil for the kind's.
    ///   - stopOnFailure: whether the later tasks of this transaction do not run if this one fails for good, expires or is discarded.
    /// - Returns: the task as the transaction has stored it, or the one that has its key.
    /// - Throws: an error if the database is not that of the tasks, if it is not in a transaction, or if its commit would not be on
    ///   the disk; the same errors as `enqueue` without a database.
    @discardableResult
    public func enqueue<Task: DurableTask>(
        _ task: Task, after delay: Duration? = nil, unique key: String? = nil,
        while scope: UniqueScope = .unfinished, expiry: Duration? = nil, priority: DurablePriority? = nil,
        stopOnFailure: Bool = false, in database: Database
    ) throws -> PersistedDurableTask {
        try enqueue(
            task, after: delay, unique: key, while: scope, expiry: expiry, priority: priority,
            stopOnFailure: stopOnFailure, onConnection: database)
    }

    /// Adds a durable task by a transaction of the application, on a connection of the type that the store's driver names.
    package func enqueue<Task: DurableTask>(
        _ task: Task, after delay: Duration?, unique key: String?, while scope: UniqueScope,
        expiry: Duration?, priority: DurablePriority?, stopOnFailure: Bool, onConnection connection: Any
    ) throws -> PersistedDurableTask {
        try checkAcceptsStored(Task.name)
        let (store, stored) = try make(
            task, after: delay, unique: key, while: scope, expiry: expiry, priority: priority,
            stopOnFailure: stopOnFailure)
        let (origin, access) = (origin, try store.openAccess())
        var request = NewRequest(id: origin.requestID, route: origin.route, records: [stored.record])
        request.records[0].stopsOnFailure = stopOnFailure || origin.stopsOnFailure
        let committing = Committing()
        let results: [AppendResult]
        do throws(TaskStoreError) {
            results = try access.taskStore.append(&request, on: connection) { committing.run($0) }
        } catch {
            throw error.isTemporary ? TasksNotPersisted(reason: error) : error
        }
        guard let result = results.first else { throw DurableTaskError.noEngine(task: Task.name) }
        stored.didPersist(result, as: request.records[0], of: origin, in: access, runsHere: true)
        let record = request.records[0]
        committing.set { committed in
            guard committed.contains(result.id) else { return }
            if !add(committed: stored), case .added(let id) = result {
                access.taskStore.ended(id, .released)
                store.wake()
            }
            if record.queue != nil, !record.leavesInTurn { access.outbox?.wake() }
            if record.mustBeClaimed { store.wake() }
        }
        return PersistedDurableTask(result, as: record, of: origin)
    }
}

/// What happens after the commit of a task, which is known only after the task was stored.
private final class Committing: Sendable {
    private let action = Lock<(@Sendable (Set<RecordID>) -> Void)?>(nil)

    func set(_ action: @escaping @Sendable (Set<RecordID>) -> Void) {
        self.action.withLock { $0 = action }
    }

    func run(_ committed: Set<RecordID>) { action.withLock { $0 }?(committed) }
}
