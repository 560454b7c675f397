internal import PostludeSystem
package import PostludeTaskStore

extension PostgreSQLTaskStore {
    package func openTransaction(
        _ kind: RecordTransactionKind
    ) throws(TaskStoreError) -> any RecordTransaction {
        PostgreSQLTransaction(kind, of: self, try access)
    }

    package func append(
        _ request: inout NewRequest, on connection: Any,
        ended: @escaping @Sendable (_ committed: Set<RecordID>) -> Void
    ) throws(TaskStoreError) -> [AppendResult] {
        guard let transaction = (connection as? any ApplicationConnection)?.transaction else {
            throw refusal("the connection is not one of PostgreSQL")
        }
        try TaskStoreError.checkText(of: request, at: place)
        do {
            guard let owner = try context.owner else { throw refusal("a visitor runs no tasks") }
            let records = try transaction.join(self, as: owner)
            return try records.append(&request, in: transaction, ended: ended)
        } catch {
            throw TaskStoreError(place, error)
        }
    }

    private var access: ApplicationAccess {
        get throws(TaskStoreError) {
            guard let application else {
                throw refusal(
                    "the application has no transactions with its tasks",
                    advice: "choose its storage by .postgreSQL of the module PostludePostgres")
            }
            return application
        }
    }

    /// Checks that a transaction is one on this store's database.
    func confirmDatabase(of transaction: OpenTransaction) throws {
        if transaction.address.text == address.text { return }
        let hasStore = try transaction.run("SELECT to_regclass('postlude.store') IS NOT NULL").rows
        guard hasStore == [["t"]], try transaction.run("SELECT id::text FROM postlude.store").rows == [[id]]
        else { throw refusal("the tasks are not in the database \(transaction.address.place)") }
    }

    /// Returns when the attempt of a record began, in milliseconds since 1970; nil if none has begun in this process.
    func attemptStart(of id: RecordID) -> Int64? { held.withLock { $0.beginnings[id]?.time } }

    /// Returns those records that are in the store.
    func existing(_ ids: Set<RecordID>) -> Set<RecordID> {
        do {
            return try pool.with { session, _ in
                let rows = try session.run(
                    "SELECT id::text FROM postlude.record WHERE id = ANY ($1)", [.ids(Array(ids))])
                return Set(try (0..<rows.count).compactMap { RecordID(try rows.text($0, 0)) })
            }
        } catch {
            // They are promised by now: the first attempt finds out.
            return ids
        }
    }

    // MARK: Commits whose result is lost

    // A transaction writes an id into the row of its connection, and commits both together. If the connection is lost
    // meanwhile, the row tells whether the commit has happened. Closing the row waits for a transaction that has written it, and
    // keeps one from committing that has not: its statements may still be on their way to the server.

    func makeMark(owner: Int64) throws -> CommitMark {
        let mark = CommitMark(id: .make(at: now), owner: owner)
        try pool.with { session, _ in
            _ = try session.run(
                "INSERT INTO postlude.connection (id, owner) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                [.id(mark.id), .integer(owner)])
        }
        return mark
    }

    /// Returns whether a transaction was committed. Waits for a server that cannot be reached, within the lock timeout.
    func isCommitted(_ commit: RecordID, by mark: CommitMark) throws -> Bool {
        try pool.with { session, _ in
            let rows = try session.run("\(Self.closing) RETURNING last_commit::text", [.id(mark.id)])
            guard rows.count == 1 else {
                throw PostgreSQLError.unexpected("no row of the connection, whose process was declared dead")
            }
            return try rows.optionalText(0, 0) == commit.text
        }
    }

    /// Frees records of a transaction that may have been committed, so that any process runs them.
    func freeLater(_ ids: [RecordID], of owner: Int64, afterClosing mark: CommitMark) {
        let now = now
        writeLater { _ in
            [
                Statement(Self.closing, [.id(mark.id)]),
                Statement(Self.freeing, [.ids(ids), .integer(owner), .integer(now)]),
            ]
        }
    }

    private static let closing = "UPDATE postlude.connection SET is_closed = true WHERE id = $1"
    private static let freeing = """
        WITH freed AS (
            UPDATE postlude.record SET owner = NULL, due = least(due, $3)
            WHERE id = ANY ($1) AND owner = $2 AND state = 0 AND attempts = 0 RETURNING 1
        )
        SELECT pg_notify('postlude', '')::text FROM freed LIMIT 1
        """
}
