public import GRDB
public import Postlude
internal import PostludeTaskStore

extension TaskContext {
    /// Calls `body` in a transaction on the application's database, and notes in the same commit that the task is done.
    ///
    /// ```swift
    /// struct BookPayment: DurableTask {
    ///     var order: Int64
    ///
    ///     func run(_ context: TaskContext) async throws {
    ///         try context.transaction { database in
    ///             try database.execute(sql: "UPDATE orders SET paid = paid + 1 WHERE id = ?", arguments: [order])
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// The changes of `body` and the end of the task are on the disk together, or neither is. So they happen exactly once, however
    /// often an attempt is interrupted: an attempt that was cut off before the commit has changed nothing, and after the commit
    /// there is no other one. This holds for changes by this connection only. Whatever else `body` or ``DurableTask/run(_:)`` does,
    /// such as sending mail, may happen once more.
    ///
    /// The commit ends the task. `run` should return then: if it throws nevertheless, this is logged, and the task stays done. The
    /// value of `body` is the task's result if it is `Encodable`.
    ///
    /// - Parameter body: has the database's write lock, so that it should be short. It is called once, on the calling thread.
    /// - Returns: the value of `body`.
    /// - Throws: the error of `body`, after which the transaction is rolled back, and the attempt fails if `run` throws;
    ///   `CancellationError` if the attempt is past its deadline; an error if the database cannot begin or commit it;
    ///   ``DurableTaskError`` if the task is not a durable one, or its transaction was committed.
    public func transaction<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try transaction(on: SQLite.self, body)
    }

    /// Calls `body` in a transaction on the application's database, of any kind, and notes in the same commit that the task is
    /// done.
    ///
    /// ```swift
    /// struct BookPayment: DurableTask {
    ///     var order: Int64
    ///
    ///     func run(_ context: TaskContext) async throws {
    ///         try context.transaction(on: SQLite.self) { database in
    ///             try database.execute(sql: "UPDATE orders SET paid = paid + 1 WHERE id = ?", arguments: [order])
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// What is said about ``transaction(_:)`` holds here. Where transactions of several processes run at once, as in PostgreSQL,
    /// the database may refuse one because of another one, by an error of a statement or of the commit: the attempt fails if
    /// `run` throws it, and the next one begins with the changes of the other.
    ///
    /// - Parameters:
    ///   - kind: the kind of the database that has the tasks.
    ///   - body: called once, on the calling thread.
    /// - Returns: the value of `body`.
    /// - Throws: as ``transaction(_:)``.
    public func transaction<Kind: TransactionalDatabase, Value>(
        on kind: Kind.Type, _ body: (Kind.Connection) throws -> Value
    ) throws -> Value {
        guard let task = storedTask as? LocalDurableTask else {
            throw DurableTaskError.noTransaction(task: taskName)
        }
        return try task.transaction(self) { transaction in
            try body(try Transaction<Kind>(transaction).database)
        }
    }
}
