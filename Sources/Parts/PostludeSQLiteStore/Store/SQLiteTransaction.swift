internal import FoundationEssentials
internal import GRDB
internal import PostludeSystem
internal import PostludeTaskStore

/// A transaction of the application's with records, on a connection of its own.
///
/// Its methods are called by one thread at a time.
final class SQLiteTransaction: RecordTransaction {
    private enum State { case new, open, over }

    private let store: SQLiteTaskStore
    private let application: ApplicationDatabase
    private let kind: RecordTransactionKind
    private let connection: TransactionConnection
    private var state = State.new
    private var hasTurn = false

    init(_ kind: RecordTransactionKind, of store: SQLiteTaskStore, in application: ApplicationDatabase) throws
    {
        self.store = store
        self.application = application
        self.kind = kind
        connection = try application.take(within: store.settings.lockTimeout)
    }

    deinit { rollback() }

    var handle: Any { connection.queue.unsafeReentrantWrite { $0 } }

    func perform<Value>(_ body: () throws -> Value) throws -> Value {
        try connection.queue.writeWithoutTransaction { _ in try body() }
    }

    func begin() throws(TaskStoreError) {
        try access { [store, application, kind, connection] database in
            let deadline = MonotonicTime.now + store.settings.lockTimeout
            switch kind {
            case .write:
                try application.turns.take(until: deadline)
                hasTurn = true
                connection.busyTimeout.set(end: deadline)
                try database.connection.beginTransaction(.immediate)
                state = .open
                try store.confirm(in: database)
            case .snapshot:
                connection.busyTimeout.set(end: deadline)
                try database.connection.execute(sql: "PRAGMA query_only = 1")
                try database.connection.beginTransaction(.deferred)
                state = .open
                // SQLite takes the snapshot at the first statement that reads.
                _ = try database.connection.number("SELECT 1 FROM sqlite_master LIMIT 1")
            }
        }
    }

    func append(_ request: NewRequest) throws(TaskStoreError) -> [AppendResult] {
        try TaskStoreError.checkText(of: request, at: store.path)
        let appending = Appending(
            request, owner: store.owner, now: store.now, shapes: store.shapes)
        return try access { try appending.run(in: $0) }
    }

    func end(_ id: RecordID, _ end: RecordEnd, attempts: Int) throws(TaskStoreError) {
        let (now, owner, start) = (store.now, store.owner, store.start(of: id))
        try access { [store] database in
            guard try database.number(Self.ownedByThis, [id.text, owner]) != nil else {
                throw store.refusal("the task \(id) is over, or another process has it")
            }
            guard case .done(let result, let added) = end else {
                return try SQLiteTaskStore.end(id, end, at: now, shapes: store.shapes, in: database)
            }
            try database.run(Self.finishing, [now, result, attempts, start, id.text])
            for request in added?.separated ?? [] {
                _ = try Appending(request, owner: nil, now: now, shapes: store.shapes).run(in: database)
            }
        }
    }

    func commit() throws(TaskStoreError) {
        guard state == .open else { throw store.refusal("the transaction is not open") }
        do {
            try connection.queue.unsafeReentrantWrite { try $0.commit() }
        } catch {
            rollback()
            if let error = error as? DatabaseError, error.resultCode == .SQLITE_CONSTRAINT {
                throw TaskStoreError(.conflict, store.path, error.message ?? "a constraint is violated")
            }
            throw TaskStoreError(store.path, error)
        }
        finish()
    }

    func rollback() {
        guard state != .over else { return }
        finish()
    }

    /// Ends the transaction if it is open, and gives its connection back.
    private func finish() {
        state = .over
        let isReusable = connection.queue.unsafeReentrantWrite { database in
            if database.isInsideTransaction { try? database.rollback() }
            if kind == .snapshot { try? database.execute(sql: "PRAGMA query_only = 0") }
            return !database.isInsideTransaction
        }
        if hasTurn { application.turns.end() }
        hasTurn = false
        if isReusable { application.giveBack(connection) }
    }

    private func access<Value>(_ body: (StoreDatabase) throws -> Value) throws(TaskStoreError) -> Value {
        guard state != .over else { throw store.refusal("the transaction is over") }
        do {
            return try connection.queue.unsafeReentrantWrite { try body(StoreDatabase($0, store.names)) }
        } catch {
            throw TaskStoreError(store.path, error)
        }
    }

    private static let ownedByThis: TaskStoreSQL =
        "SELECT number FROM ~record WHERE id = ? AND owner = ? AND state IN (0, 1)"
    /// Also counts an attempt whose start is not written yet: the note that would do it finds a record that is over.
    private static let finishing: TaskStoreSQL = """
        UPDATE ~record SET state = 2, owner = NULL, ended = ?, error = NULL, result = CAST(? AS TEXT),
            attempts = max(attempts + (state = 0), ?), started = coalesce(?, started)
        WHERE id = ?
        """
}
