internal import FoundationEssentials
internal import GRDB
internal import PostludeSystem
package import PostludeTaskStore

// GRDB has a Record, too.
package import struct PostludeTaskStore.Record

extension SQLiteTaskStore {
    package func openTransaction(
        _ kind: RecordTransactionKind
    ) throws(TaskStoreError) -> any RecordTransaction {
        do {
            return try SQLiteTransaction(kind, of: self, in: try applicationDatabase)
        } catch {
            throw TaskStoreError(path, error)
        }
    }

    package func append(
        _ request: inout NewRequest, on connection: Any,
        ended: @escaping @Sendable (_ committed: Set<RecordID>) -> Void
    ) throws(TaskStoreError) -> [AppendResult] {
        _ = try applicationDatabase
        guard let connection = connection as? Database else {
            throw refusal("the connection is not one of GRDB's")
        }
        try TaskStoreError.checkText(of: request, at: path)
        do {
            try check(connection)
            let database = StoreDatabase(connection, names)
            try confirm(in: database)
            let results = try appended.append(
                &request, owner: owner, now: now, shapes: shapes, in: database)
            let ids = results.map(\.id)
            appended.add(connection) { [names] connection in
                // The records of a savepoint that was rolled back are gone, although the transaction was committed.
                ended(Self.existing(ids, in: StoreDatabase(connection, names)))
            } rolledBack: {
                ended([])
            }
            return results
        } catch {
            throw TaskStoreError(path, error)
        }
    }

    private var applicationDatabase: ApplicationDatabase {
        get throws(TaskStoreError) {
            guard let application else {
                throw refusal(
                    "the tasks are in a file of their own, so that no transaction of the application has them",
                    advice: "keep them in the application's database: .durable(in: .database(writer))")
            }
            return application
        }
    }

    private func check(_ connection: Database) throws {
        let file = ApplicationDatabase.file(of: connection)
        guard file == path || FileIdentity(path: file) == FileIdentity(path: path), !file.isEmpty else {
            throw refusal("the tasks are not in the database \(file.isEmpty ? "in memory" : file)")
        }
        guard connection.isInsideTransaction else {
            throw refusal(
                "the connection is not in a transaction", advice: "call it within the writer's `write { … }`")
        }
        guard try ApplicationDatabase.isDurable(connection) else {
            throw refusal(
                "a commit of this connection is not on the disk when it returns",
                advice: "set PRAGMA synchronous = FULL in the configuration's prepareDatabase")
        }
    }

    private static func existing(_ ids: [RecordID], in database: StoreDatabase) -> Set<RecordID> {
        // The transaction is committed, so that the tasks are promised: if they cannot be looked up, they are assumed to exist,
        // and the first attempt finds out.
        Set(
            ids.filter { id in
                do {
                    return try database.number(existence, [id.text]) != nil
                } catch {
                    return true
                }
            })
    }

    private static let existence: TaskStoreSQL = "SELECT number FROM ~record WHERE id = ?"

    /// Returns when the attempt of a record began, in milliseconds since 1970; nil if none has begun in this process.
    func start(of id: RecordID) -> Int64? { beginnings.withLock { $0[id]?.time } }
}

/// The requests whose records transactions of the application's connections have appended, and which are not over.
final class OpenAppends: Sendable {
    /// The records of one request in one transaction. They have consecutive numbers, from `head` on.
    private struct Run {
        var request: String
        var head: Int64
        var last: Int64
        /// Whether one of them stops the others on failure.
        var stops = false
        /// Whether one of them does, and has a limit.
        var limits = false
    }

    private struct Transaction {
        var run: Run?
        var committed: [@Sendable (Database) -> Void] = []
        var rolledBack: [@Sendable () -> Void] = []
    }

    private let transactions = Lock<[ObjectIdentifier: Transaction]>([:])

    /// Appends records after those that the request has in the same transaction.
    func append(
        _ request: inout NewRequest, owner: Int64?, now: Int64, shapes: ShapeNumbers,
        in database: StoreDatabase
    ) throws -> [AppendResult] {
        let key = ObjectIdentifier(database.connection)
        let next = (try database.number(Appending.lastNumber) ?? 0) + 1
        var run = transactions.withLock { $0[key]?.run }
        // A savepoint that was rolled back has removed the last of them.
        if let known = run, known.request != request.id || next < known.head || next > known.last + 1 {
            run = nil
        }
        var stops = run?.stops ?? false
        let limits = run?.limits ?? false
        for index in request.records.indices {
            request.records[index].leavesInTurn = stops && request.records[index].queue != nil
            request.records[index].followsLimited = limits
            stops = stops || request.records[index].stopsOnFailure
        }
        var head = run?.head
        let position = head.map { Int(next - $0) } ?? 0
        let results = try Appending(request, owner: owner, now: now, shapes: shapes)
            .run(in: database, head: &head, position: position)
        guard let head else { return results }
        let last = try database.number(Appending.lastNumber) ?? head
        let hasLimited = zip(request.records, results).contains { record, result in
            if case .added = result { record.stopsOnFailure && record.limitKey != nil } else { false }
        }
        transactions.withLock { transactions in
            transactions[key, default: Transaction()].run = Run(
                request: request.id, head: head, last: last, stops: stops, limits: limits || hasLimited)
        }
        return results
    }

    /// Adds what is called when the connection's transaction is over.
    func add(
        _ connection: Database, committed: @escaping @Sendable (Database) -> Void,
        rolledBack: @escaping @Sendable () -> Void
    ) {
        let key = ObjectIdentifier(connection)
        let isFirst = transactions.withLock { transactions in
            var transaction = transactions[key] ?? Transaction()
            transaction.committed.append(committed)
            transaction.rolledBack.append(rolledBack)
            transactions[key] = transaction
            return transaction.committed.count == 1
        }
        guard isFirst else { return }
        connection.afterNextTransaction { [self] connection in
            for committed in remove(key)?.committed ?? [] { committed(connection) }
        } onRollback: { [self] _ in
            for rolledBack in remove(key)?.rolledBack ?? [] { rolledBack() }
        }
    }

    private func remove(_ key: ObjectIdentifier) -> Transaction? {
        transactions.withLock { $0.removeValue(forKey: key) }
    }
}
