public import GRDB

/// A connection to a database in SQL, with a transaction open: one to PostgreSQL (``PostgreSQLConnection``), or to SQLite by GRDB.
///
/// What both databases understand, an application writes once.
public protocol SQLConnection {
    /// Runs a statement.
    ///
    /// - Returns: the number of rows that it has changed.
    /// - Throws: ``PostgreSQLError``, or GRDB's `DatabaseError`.
    @discardableResult
    func execute(_ statement: SQLStatement) throws -> Int

    /// Runs a statement, and returns all of its rows.
    ///
    /// - Throws: as ``execute(_:)``.
    func query(_ statement: SQLStatement) throws -> [SQLRow]
}

extension SQLConnection {
    /// Runs a statement, and returns the first column of its first row; nil if there is no row.
    ///
    /// - Parameters:
    ///   - statement: the statement.
    ///   - type: the type of the column, if it does not follow from the use.
    /// - Throws: as ``execute(_:)``; ``SQLRowError`` if the value is not of that type.
    public func value<Value: SQLValue>(_ statement: SQLStatement, as type: Value.Type = Value.self) throws
        -> Value?
    {
        try query(statement).first?.decode(0)
    }
}

extension GRDB.Database: SQLConnection {
    @discardableResult
    public func execute(_ statement: SQLStatement) throws -> Int {
        let (sql, values) = statement.written { _ in "?" }
        try execute(sql: sql, arguments: StatementArguments(values.map(\.databaseValue)))
        return changesCount
    }

    public func query(_ statement: SQLStatement) throws -> [SQLRow] {
        let (sql, values) = statement.written { _ in "?" }
        let arguments = StatementArguments(values.map(\.databaseValue))
        return try Row.fetchAll(self, sql: sql, arguments: arguments).map { row in
            SQLRow(Array(row.columnNames), row.databaseValues.map(SQLScalar.init))
        }
    }
}

extension SQLScalar {
    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .null: .null
        case .integer(let number): number.databaseValue
        case .real(let number): number.databaseValue
        case .text(let text): text.databaseValue
        case .bytes(let bytes): bytes.databaseValue
        }
    }

    fileprivate init(_ value: DatabaseValue) {
        self =
            switch value.storage {
            case .null: .null
            case .int64(let number): .integer(number)
            case .double(let number): .real(number)
            case .string(let text): .text(text)
            case .blob(let bytes): .bytes(bytes)
            }
    }
}
