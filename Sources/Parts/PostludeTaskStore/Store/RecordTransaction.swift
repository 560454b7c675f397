/// What a transaction is for.
package enum RecordTransactionKind: Sendable {
    /// It reads and writes. It has the database's write lock from its beginning, so that none of its statements has to wait.
    case write
    /// It only reads, and sees the database as it was at its beginning.
    case snapshot
}

/// A transaction of the application's on the database that a store is in. It contains rows of the application, and records.
///
/// One thread at a time uses it. It is begun once, and ends with ``commit()`` or ``rollback()``, on any thread. One that is
/// neither committed nor rolled back is rolled back when it is released.
package protocol RecordTransaction: AnyObject {
    /// The database's connection, of the type that the store's driver names. It may be used only within ``perform(_:)``.
    var handle: Any { get }

    /// Calls `body`, which may use the connection, on the calling thread.
    func perform<Value>(_ body: () throws -> Value) throws -> Value

    /// Begins it. A transaction for writing waits for other writers, within the settings' `lockTimeout`.
    func begin() throws(TaskStoreError)

    /// Stores the records of a request, as the store's `append` does. They exist when the transaction is committed.
    func append(_ request: NewRequest) throws(TaskStoreError) -> [AppendResult]

    /// Ends a record of this process, whose attempt has begun. The end is on the disk together with the transaction.
    ///
    /// - Parameter attempts: the number of its attempts, as the caller knows it; the notes of some may not be written yet.
    /// - Throws: `refused` if the record is over, or is not this process's: its work has been done, or is being done, elsewhere.
    func end(_ id: RecordID, _ end: RecordEnd, attempts: Int) throws(TaskStoreError)

    /// Commits it. When this returns, it is on the disk.
    ///
    /// - Throws: `conflict` if the database refuses the changes; `locked`, `full` and others if it cannot write them. It is rolled
    ///   back then.
    func commit() throws(TaskStoreError)

    /// Rolls it back, if it is open.
    func rollback()

    /// Makes the statements of the application fail from the moment at which `isCancelled` is true, also one that is running.
    ///
    /// - Parameter isCancelled: called on the transaction's thread.
    func cancel(when isCancelled: @escaping () -> Bool)

    /// Returns why the transaction cannot be committed any more, if the database has said so by an error of a statement.
    ///
    /// - Returns: `conflict` if another transaction is the reason; nil for a mistake of the statement, or another error.
    func failure(of error: any Error) -> TaskStoreError?
}

extension RecordTransaction {
    package func cancel(when isCancelled: @escaping () -> Bool) {}
    package func failure(of error: any Error) -> TaskStoreError? { nil }

    package func end(_ id: RecordID, _ end: RecordEnd) throws(TaskStoreError) {
        try self.end(id, end, attempts: 0)
    }
}

extension RecordStore {
    package func openTransaction(_ kind: RecordTransactionKind) throws(TaskStoreError)
        -> any RecordTransaction
    {
        throw withoutTransactions
    }

    package func append(
        _ request: inout NewRequest, on connection: Any,
        ended: @escaping @Sendable (_ committed: Set<RecordID>) -> Void
    ) throws(TaskStoreError) -> [AppendResult] {
        throw withoutTransactions
    }

    private var withoutTransactions: TaskStoreError {
        TaskStoreError(
            .refused, place,
            "the tasks are not in the application's database, so that no transaction has both",
            advice: "choose it by the engine's storage")
    }

    /// Calls `body` within a transaction, and commits it. Rolls it back if `body` throws.
    ///
    /// - Throws: the error of `body`; ``TaskStoreError`` if the transaction cannot be begun or committed.
    package func transaction<Value>(
        _ kind: RecordTransactionKind, _ body: (any RecordTransaction) throws -> Value
    ) throws -> Value {
        let transaction = try openTransaction(kind)
        do {
            let value = try transaction.perform {
                try transaction.begin()
                return try body(transaction)
            }
            try transaction.commit()
            return value
        } catch {
            transaction.rollback()
            throw error
        }
    }
}
