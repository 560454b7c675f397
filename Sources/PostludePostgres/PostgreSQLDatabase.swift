internal import PostludePostgreSQLStore
internal import PostludeTaskStore

/// A PostgreSQL database of the application, with a pool of connections that are made when they are needed.
///
/// ```swift
/// let shop = try PostgreSQLDatabase("postgresql://shop@db.internal/shop")
/// let count = try shop.read { connection in
///     try connection.value("SELECT count(*) FROM orders", as: Int.self)
/// }
/// ```
///
/// The address is one of libpq, as in the manifest's `task-store`. Several threads may use the database at once. It needs libpq, and
/// a server of version 13 or newer.
public final class PostgreSQLDatabase: Sendable {
    /// The largest number of connections unless the application says otherwise.
    public static let defaultConnections = ConnectionPool.defaultLimit

    let pool: ConnectionPool
    private let timeout: Duration

    /// - Parameters:
    ///   - address: a URL, or `keyword=value` pairs.
    ///   - connections: the largest number of connections of this process.
    ///   - timeout: how long a transaction waits for a free connection, for a server that cannot be reached, and for the locks of
    ///     other transactions.
    /// - Throws: an error if the address is not one of PostgreSQL. Nothing is connected yet.
    public init(
        _ address: String, connections: Int = defaultConnections, timeout: Duration = .seconds(5)
    ) throws {
        pool = try ConnectionPool(address, limit: connections, lockTimeout: timeout)
        self.timeout = timeout
    }

    /// Calls `body` in a transaction, and commits it. Rolls it back if `body` throws.
    ///
    /// - Parameter body: called once. After an error with ``PostgreSQLError/isConflict`` the caller may try again.
    /// - Returns: the value of `body`, when the transaction is on the disk.
    /// - Throws: the error of `body`; ``PostgreSQLError`` if the transaction cannot be begun or committed.
    @discardableResult
    public func write<Value>(_ body: (PostgreSQLConnection) throws -> Value) throws -> Value {
        let transaction = try begin(.write)
        let value: Value
        do {
            value = try body(PostgreSQLConnection(transaction))
        } catch {
            transaction.rollback()
            throw error
        }
        do throws(CommitFailure) {
            try transaction.commit()
        } catch {
            throw PostgreSQLError(error)
        }
        return value
    }

    /// Calls `body` in a transaction that only reads, and sees one state of the database.
    ///
    /// - Returns: the value of `body`.
    /// - Throws: the error of `body`; ``PostgreSQLError`` if the transaction cannot be begun.
    public func read<Value>(_ body: (PostgreSQLConnection) throws -> Value) throws -> Value {
        let transaction = try begin(.snapshot)
        defer { transaction.rollback() }
        return try body(PostgreSQLConnection(transaction))
    }

    private func begin(_ kind: RecordTransactionKind) throws(PostgreSQLError) -> OpenTransaction {
        do {
            return try pool.begin(kind, within: timeout)
        } catch {
            throw PostgreSQLError(error)
        }
    }
}
