internal import Postlude
internal import PostludeTaskStore

/// The transaction of a request on the database that has the durable tasks.
final class DurableTransaction: RequestTransaction {
    private let records: any RecordTransaction
    private let kind: RecordTransactionKind
    private var hasBegun = false

    private init(_ kind: RecordTransactionKind, _ records: any RecordTransaction) {
        self.kind = kind
        self.records = records
    }

    static func open(_ kind: RecordTransactionKind, for request: Request) throws -> DurableTransaction {
        guard let store = request.taskStore as? any DurableTaskStore else {
            throw DurableTaskError.noEngine(task: "of a transaction")
        }
        let access = try store.openAccess()
        let taskStore = access.taskStore
        // A test sees what a client would see, also while the transaction has the lock: nothing else may then be written.
        if access.isOffline { try taskStore.flush() }
        let transaction = try orUnavailable { try taskStore.openTransaction(kind) }
        transaction.cancel { request.isCancelled }
        return DurableTransaction(kind, transaction)
    }

    /// Begins the transaction that was opened for a request.
    ///
    /// - Returns: its connection.
    static func begin<Connection>(of request: Request) throws -> Connection {
        guard let transaction = request.transaction as? DurableTransaction else {
            throw NoTransaction()
        }
        try orUnavailable { try transaction.records.begin() }
        transaction.hasBegun = true
        return try connection(of: transaction.records)
    }

    static func connection<Connection>(of transaction: any RecordTransaction) throws -> Connection {
        guard let connection = transaction.handle as? Connection else { throw NoTransaction() }
        return connection
    }

    /// Calls `body`. An error of the store is one for which the request is answered 503.
    private static func orUnavailable<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as TaskStoreError {
            throw TasksNotPersisted(reason: error)
        }
    }

    func call<Value>(_ handler: () throws -> Value) throws -> Value {
        // A snapshot is not needed any more.
        defer { if kind == .snapshot { records.rollback() } }
        return try records.perform {
            do {
                return try handler()
            } catch {
                guard let failure = records.failure(of: error) else { throw error }
                throw failure.code == .conflict ? CommitConflict(failure) : TasksNotPersisted(reason: failure)
            }
        }
    }

    /// Whether it contains the request's tasks. A snapshot is over by then.
    var hasTasks: Bool { kind == .write }

    func append(_ request: NewRequest) throws -> [AppendResult] {
        do throws(TaskStoreError) {
            return try records.append(request)
        } catch {
            throw Self.persistingError(error)
        }
    }

    func commit() throws {
        // The handler has not taken it as an input, but by a dependency that has not begun it; or it only reads.
        guard hasBegun, kind == .write else { return rollback() }
        do throws(TaskStoreError) {
            try records.commit()
        } catch {
            throw Self.persistingError(error)
        }
    }

    private static func persistingError(_ error: TaskStoreError) -> any Error {
        error.code == .conflict ? CommitConflict(error) : error
    }

    func rollback() { records.rollback() }
}

/// A transaction is taken by code that is not a handler's parameter.
private struct NoTransaction: Error, CustomStringConvertible {
    var description: String { "a transaction is a parameter of a handler; it cannot be made of any request" }
}
