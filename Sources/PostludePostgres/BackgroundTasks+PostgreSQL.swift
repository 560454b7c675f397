public import Postlude
public import PostludeDurable

extension BackgroundTasks {
    /// Adds a durable task by a transaction of the application on PostgreSQL. It exists when the transaction commits, and not
    /// otherwise, and then runs on the request's worker.
    ///
    /// ```swift
    /// try database.write { connection in
    ///     try connection.execute("INSERT INTO orders (id) VALUES (\(order.id))")
    ///     try tasks.enqueue(Charge(order: order.id), in: connection)
    /// }
    /// ```
    ///
    /// After the commit the task runs in any case, also if the handler throws or is late. A task of a savepoint that was rolled back
    /// does not exist. The tasks of one transaction run in the order in which they were added, also after a crash.
    ///
    /// - Parameters:
    ///   - task: the task, which is encoded as JSON at once.
    ///   - connection: one to the database of the durable tasks. Its role may write to their tables.
    ///   - delay: the time after which the task runs, in any process that is free then; nil to run it in its turn.
    ///   - key: the unique key. If another task of this kind has it, the new one is not added: the other one stands for it, here and
    ///     in the response's `Task-Id`.
    ///   - scope: which other tasks count: those that are not over, or all that are still in the task store.
    ///   - expiry: as in `DurablePolicy`; nil for the kind's.
    ///   - priority: nil for the kind's.
    ///   - stopOnFailure: whether the later tasks of this transaction do not run if this one fails for good, expires or is discarded.
    /// - Returns: the task as the transaction has stored it, or the one that has its key.
    /// - Throws: an error if the database is not that of the tasks; the same errors as `enqueue` without a connection.
    @discardableResult
    public func enqueue<Task: DurableTask>(
        _ task: Task, after delay: Duration? = nil, unique key: String? = nil,
        while scope: UniqueScope = .unfinished, expiry: Duration? = nil, priority: DurablePriority? = nil,
        stopOnFailure: Bool = false, in connection: PostgreSQLConnection
    ) throws -> PersistedDurableTask {
        try enqueue(
            task, after: delay, unique: key, while: scope, expiry: expiry, priority: priority,
            stopOnFailure: stopOnFailure, onConnection: connection)
    }
}
