package import PostludePostgreSQLStore

/// A connection to a PostgreSQL database, with a transaction open.
///
/// ```swift
/// let rows = try connection.query("SELECT id, email FROM orders WHERE total > \(100)")
/// for row in rows { print(try row.decode("id", as: Int.self)) }
/// ```
///
/// It belongs to the handler, the task or the closure that has got it, and to its thread; later calls throw. Its time zone is UTC.
/// The isolation is that of the database, `read committed` by default; `SET TRANSACTION ISOLATION LEVEL SERIALIZABLE` may be the
/// first statement. Statements that begin or end transactions are refused.
public final class PostgreSQLConnection: SQLConnection {
    package let transaction: OpenTransaction

    package init(_ transaction: OpenTransaction) { self.transaction = transaction }

    /// Runs a statement.
    ///
    /// - Returns: the number of rows that it has changed, or returned.
    /// - Throws: an error of the server or the connection. PostgreSQL commits nothing after the error of a statement, also if the
    ///   caller catches it; see ``savepoint(_:)``.
    @discardableResult
    public func execute(_ statement: SQLStatement) throws(PostgreSQLError) -> Int {
        try run(statement).changes
    }

    /// Runs a statement, and returns all of its rows.
    ///
    /// - Throws: as ``execute(_:)``.
    public func query(_ statement: SQLStatement) throws(PostgreSQLError) -> [SQLRow] {
        let found = try run(statement)
        return found.rows.map { SQLRow(found.columns, $0.map { $0.map { .text($0) } ?? .null }) }
    }

    /// Calls `body`, and undoes its statements if it throws, so that the transaction can go on.
    ///
    /// - Returns: the value of `body`.
    /// - Throws: the error of `body`, or one of the server.
    @discardableResult
    public func savepoint<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try transaction.savepoint(body)
        } catch let error as PostludePostgreSQLStore.PostgreSQLError {
            throw PostgreSQLError(reporting: error)
        }
    }

    private func run(_ statement: SQLStatement) throws(PostgreSQLError) -> TextRows {
        let (sql, values) = statement.written { "$\($0)" }
        do throws(PostludePostgreSQLStore.PostgreSQLError) {
            return try transaction.run(sql, values.map(\.text))
        } catch {
            throw PostgreSQLError(reporting: error)
        }
    }
}

extension PostgreSQLConnection: ApplicationConnection {}

@available(*, unavailable, message: "a connection belongs to its transaction's thread")
extension PostgreSQLConnection: Sendable {}
