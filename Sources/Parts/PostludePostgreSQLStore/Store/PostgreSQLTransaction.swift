internal import PostludeSystem
internal import PostludeTaskStore

/// A transaction of a handler or a task, with the records that it adds or ends.
final class PostgreSQLTransaction: RecordTransaction {
    private let kind: RecordTransactionKind
    private let store: PostgreSQLTaskStore
    private let access: ApplicationAccess
    private var isCancelled: (() -> Bool)?
    private var transaction: OpenTransaction?

    init(_ kind: RecordTransactionKind, of store: PostgreSQLTaskStore, _ access: ApplicationAccess) {
        self.kind = kind
        self.store = store
        self.access = access
    }

    deinit { rollback() }

    var handle: Any { transaction.map { access.type.init($0) } ?? () }

    func perform<Value>(_ body: () throws -> Value) throws -> Value { try body() }

    func cancel(when isCancelled: @escaping () -> Bool) {
        self.isCancelled = isCancelled
        transaction?.cancel(when: isCancelled)
    }

    func begin() throws(TaskStoreError) {
        do {
            let begun = try access.pool.begin(kind, within: store.settings.lockTimeout)
            if let isCancelled { begun.cancel(when: isCancelled) }
            transaction = begun
        } catch {
            throw TaskStoreError(store.place, error)
        }
    }

    func append(_ request: NewRequest) throws(TaskStoreError) -> [AppendResult] {
        try TaskStoreError.checkText(of: request, at: store.place)
        return try use { transaction, records in try records.append(request, in: transaction) }
    }

    func end(_ id: RecordID, _ end: RecordEnd, attempts: Int) throws(TaskStoreError) {
        let (now, start) = (store.now, store.attemptStart(of: id))
        try use { [store] transaction, records in
            let context = WriteContext(owner: records.owner, generation: 0)
            let ending =
                if case .done(let result, nil) = end {
                    [
                        Statement(
                            Self.finishing,
                            [
                                .id(id), .integer(now), .bytes(result), .integer(Int64(attempts)),
                                .integer(start),
                            ])
                    ]
                } else {
                    PostgreSQLTaskStore.end(id, end, at: now, shapes: store.shapes, context)
                }
            let own = Statement(Self.own, [.id(id), .integer(records.owner)])
            let results = try records.perform([own] + ending, in: transaction)
            guard let found = results.first, found.count == 1 else {
                throw store.refusal("the task \(id) is over, or another process has it")
            }
        }
    }

    func commit() throws(TaskStoreError) {
        guard let transaction else { throw store.refusal("the transaction is not open") }
        // Also without records: if its result is lost, the store finds out what has happened.
        if kind == .write { try use { _, _ in } }
        do throws(CommitFailure) {
            try transaction.commit()
        } catch {
            throw TaskStoreError(store.place, error)
        }
    }

    func rollback() { transaction?.rollback() }

    func failure(of error: any Error) -> TaskStoreError? {
        guard let error = (error as? any ApplicationError)?.failure else { return nil }
        guard error.isDisconnected || error.mayPass else { return nil }
        return TaskStoreError(store.place, ofTransaction: error)
    }

    private func use<Value>(
        _ body: (OpenTransaction, TransactionRecords) throws -> Value
    ) throws(TaskStoreError) -> Value {
        guard let transaction else { throw store.refusal("the transaction is not open") }
        do {
            guard let owner = try store.context.owner else {
                throw store.refusal("a visitor runs no tasks")
            }
            // An earlier statement has failed, and its error says why.
            if let failure = transaction.failure { throw TaskStoreError(store.place, ofTransaction: failure) }
            return try body(transaction, try transaction.join(store, as: owner))
        } catch let error as PostgreSQLError {
            throw TaskStoreError(store.place, ofTransaction: error)
        } catch {
            throw TaskStoreError(store.place, error)
        }
    }

    private static let own =
        "SELECT number FROM postlude.record WHERE id = $1 AND owner = $2 AND state IN (0, 1) FOR UPDATE"
    /// Also counts an attempt whose start is not written yet: the note that would do it finds a record that is over.
    private static let finishing = """
        UPDATE postlude.record SET state = 2, owner = NULL, ended = $2, error = NULL, result = $3,
            attempts = greatest(attempts + CASE WHEN state = 0 THEN 1 ELSE 0 END, $4), started = coalesce($5, started)
        WHERE id = $1
        """
}

/// How an application uses the database of a store.
package struct ApplicationAccess: Sendable {
    package let pool: ConnectionPool
    /// What it gets as the connection of its transactions.
    package let type: any ApplicationConnection.Type
    /// Whether the store has made the pool, and closes it.
    let isStores: Bool

    package init(_ pool: ConnectionPool, as type: any ApplicationConnection.Type) {
        self.init(pool, as: type, isStores: false)
    }

    init(_ pool: ConnectionPool, as type: any ApplicationConnection.Type, isStores: Bool) {
        self.pool = pool
        self.type = type
        self.isStores = isStores
    }

    func close() { if isStores { pool.close() } }
}

/// A connection as the application sees it, as long as its transaction is open.
package protocol ApplicationConnection: AnyObject, SendableMetatype {
    init(_ transaction: OpenTransaction)
    var transaction: OpenTransaction { get }
}

/// An error as the application sees it.
package protocol ApplicationError: Error {
    /// What the server, or the connection to it, has reported; nil for a mistake of the application.
    var failure: PostgreSQLError? { get }
}

extension TaskStoreError {
    /// Converts the error of a transaction, whose changes other transactions or constraints have made impossible.
    fileprivate init(_ place: String, ofTransaction error: PostgreSQLError) {
        guard case .server(let state, let message, _) = error,
            state.hasPrefix("23") || state == "40001" || state == "40P01"
        else {
            self.init(place, error)
            return
        }
        self.init(.conflict, place, "\(message) (SQLSTATE \(state))")
    }

    fileprivate init(_ place: String, _ failure: CommitFailure) {
        guard failure.isUnknown else {
            self.init(place, ofTransaction: failure.error)
            return
        }
        self.init(
            .system, place, "whether the transaction was committed is not known: \(failure.error)",
            advice: "look whether its rows are there; a repetition with the same Idempotency-Key is safe")
    }
}
