package import FoundationEssentials
internal import PostludeSystem
package import PostludeTaskStore

/// The right to publish the records of a queue: a lock that a session of its own holds.
package final class PostgreSQLPublisher: RecordPublisher {
    package let queue: String
    private let number: Int64
    private let taskStore: PostgreSQLTaskStore
    private let session: Session

    fileprivate init(
        of queue: String, number: Int64, in taskStore: PostgreSQLTaskStore, holding session: Session
    ) {
        self.queue = queue
        self.number = number
        self.taskStore = taskStore
        self.session = session
    }

    deinit {
        // If this fails, the session is not used again, and its end releases the lock.
        if (try? session.run(Self.unlock, [.integer(number)])) != nil { taskStore.pool.give(session) }
    }

    fileprivate static let lock = """
        SELECT pg_try_advisory_lock(\(StoreSchema.LockClass.publisher), $1::bigint::integer)
        """
    private static let unlock = """
        SELECT pg_advisory_unlock(\(StoreSchema.LockClass.publisher), $1::bigint::integer)
        """

    /// Uses the session that holds the lock: if it is lost, so is the right.
    private func use<Value>(_ body: (Session) throws -> Value) throws(TaskStoreError) -> Value {
        do {
            try taskStore.writer.flush()
            return try body(session)
        } catch {
            throw TaskStoreError(taskStore.place, error)
        }
    }

    package func next(_ limit: Int) throws(TaskStoreError) -> [Record] {
        let now = taskStore.now
        return try use { session in
            guard try session.number(Self.due, [.integer(number)]) ?? 0 <= now else { return [] }
            return try session.records(Self.outgoing, [.integer(number), .integer(Int64(max(0, limit)))])
        }
    }

    package func tryAtOnce() throws(TaskStoreError) {
        let now = taskStore.now
        _ = try use { session in
            try session.run(
                "UPDATE postlude.queue SET due = 0 WHERE number = $1 AND due > $2",
                [.integer(number), .integer(now)])
        }
    }

    package func nextDue() throws(TaskStoreError) -> Date? {
        try use { session in
            guard let first = try session.records(Self.outgoing, [.integer(number), .integer(1)]).first else {
                return nil
            }
            return max(first.added, Date(milliseconds: try session.number(Self.due, [.integer(number)]) ?? 0))
        }
    }

    package func published(_ id: RecordID) {
        let now = taskStore.now
        taskStore.writeLater { _ in
            [
                Statement(
                    """
                    UPDATE postlude.record SET state = 7, attempts = attempts + 1, ended = $2, error = NULL
                    WHERE id = $1 AND state = 6
                    """,
                    [.id(id), .integer(now)])
            ]
        }
    }

    package func failed(_ id: RecordID, error: String, next time: Date) {
        let (number, due) = (number, time.milliseconds)
        taskStore.writeLater { _ in
            [
                Statement(
                    "UPDATE postlude.queue SET due = $1 WHERE number = $2", [.integer(due), .integer(number)]),
                Statement(
                    "UPDATE postlude.record SET attempts = attempts + 1, error = $2 WHERE id = $1 AND state = 6",
                    [.id(id), .text(error)]),
            ]
        }
    }

    private static let due = "SELECT due FROM postlude.queue WHERE number = $1"
    private static let outgoing = "WHERE queue_number = $1 AND state = 6 ORDER BY number LIMIT $2"
}

extension PostgreSQLTaskStore {
    package func outgoingQueues() throws(TaskStoreError) -> [String] {
        try read { session in
            let rows = try session.run(
                """
                SELECT q.name FROM postlude.queue q WHERE EXISTS (
                    SELECT FROM postlude.record r WHERE r.queue = q.number AND r.state = 6)
                ORDER BY q.name COLLATE "C"
                """)
            return try (0..<rows.count).map { try rows.text($0, 0) }
        }
    }

    package func publisher(of queue: String) throws(TaskStoreError) -> (any RecordPublisher)? {
        let sql = "SELECT number FROM postlude.queue WHERE name = $1"
        guard let number = try read({ try $0.number(sql, [.text(queue)]) }) else { return nil }
        do {
            let session = try pool.take()
            guard try session.run(PostgreSQLPublisher.lock, [.integer(number)]).boolean(0, 0) else {
                pool.give(session)
                return nil
            }
            return PostgreSQLPublisher(of: queue, number: number, in: self, holding: session)
        } catch {
            throw TaskStoreError(place, error)
        }
    }
}
