internal import Glibc
internal import PostludeSystem
package import PostludeTaskStore

/// The connections for the application's transactions: at most a given number, each used by one thread at a time.
package final class ConnectionPool: Sendable {
    /// The number of connections unless the application says otherwise.
    package static let defaultLimit = 16
    private static let retryDelay: UInt32 = 50_000

    private struct State {
        var idle: [PooledConnection] = []
        var inUse = 0
        var isClosed = false
    }

    let address: PostgreSQLAddress
    private let limit: Int
    private let limits: Session.Limits
    private let state = ConditionLock(State())

    /// Makes a pool, which connects when a connection is first needed.
    ///
    /// - Parameters:
    ///   - limit: the largest number of connections.
    ///   - lockTimeout: how long a statement waits for another transaction.
    package convenience init(
        _ address: String, limit: Int = defaultLimit, lockTimeout: Duration
    ) throws(TaskStoreError) {
        self.init(try PostgreSQLAddress(address), limit: limit, lockTimeout: lockTimeout)
    }

    init(_ address: PostgreSQLAddress, limit: Int, lockTimeout: Duration) {
        self.address = address
        self.limit = max(1, limit)
        limits = Session.Limits(lockTimeout: lockTimeout, answerTimeout: lockTimeout + .seconds(10))
    }

    /// The database, without a password.
    package var place: String { address.place }

    /// Begins a transaction. Waits for a free connection, and for a server that cannot be reached, within a timeout.
    package func begin(_ kind: RecordTransactionKind, within timeout: Duration) throws -> OpenTransaction {
        let deadline = MonotonicTime.now + timeout
        let sql =
            switch kind {
            case .write: "BEGIN"
            case .snapshot: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
            }
        while true {
            let idle = try take(until: deadline)
            do throws(PostgreSQLError) {
                return OpenTransaction(kind, on: try begun(sql, on: idle), of: self)
            } catch {
                // Nothing has begun yet, so that another connection may be used.
                guard error.isDisconnected, .now < deadline else { throw error }
                if idle == nil { usleep(Self.retryDelay) }
            }
        }
    }

    private func begun(_ sql: String, on idle: PooledConnection?) throws(PostgreSQLError) -> PooledConnection
    {
        var connection = idle
        do throws(PostgreSQLError) {
            let begun: PooledConnection
            if let idle {
                begun = idle
            } else {
                begun = PooledConnection(try Session(address, limits, for: .application))
            }
            connection = begun
            try begun.session.run(sql)
            return begun
        } catch {
            give(connection)
            throw error
        }
    }

    /// Takes an idle connection, or the right to make one.
    private func take(until deadline: MonotonicTime) throws -> PooledConnection? {
        let taken: Result<PooledConnection?, any Error> = state.wait { state in
            if state.isClosed { return .stop(.failure(ClosedPool())) }
            if state.inUse < limit {
                state.inUse += 1
                return .stop(.success(state.idle.popLast()))
            }
            if deadline > .now { return .wait(until: deadline) }
            return .stop(.failure(NoFreeConnection(limit: limit)))
        }
        return try taken.get()
    }

    /// Takes a connection back; nil if none was made.
    func give(_ connection: PooledConnection?) {
        let surplus: PooledConnection? = state.withLock { state in
            state.inUse -= 1
            self.state.signal()
            guard let connection, !connection.session.isBroken, !connection.session.isInTransaction,
                !state.isClosed
            else { return connection }
            state.idle.append(connection)
            return nil
        }
        withExtendedLifetime(surplus) {}
    }

    /// Closes the idle connections. Those that are in use are closed when their transactions end.
    package func close() {
        let idle = state.withLock { state in
            state.isClosed = true
            defer { state.idle = [] }
            return state.idle
        }
        state.broadcast()
        withExtendedLifetime(idle) {}
    }
}

/// A connection of a pool.
// Unchecked: the pool gives it to one thread at a time, under a lock.
final class PooledConnection: @unchecked Sendable {
    let session: Session
    /// The row by which a task store recognizes the commits of this connection; nil before the first one with records.
    var mark: CommitMark?

    init(_ session: Session) { self.session = session }
}

/// The row by which a task store recognizes the commits of a connection.
struct CommitMark: Sendable {
    let id: RecordID
    /// The owner for which it was made.
    let owner: Int64
}
