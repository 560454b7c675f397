internal import FoundationEssentials
internal import GRDB
internal import GRDBSQLite

/// A value that a statement's parameter may have.
protocol StatementValue {
    /// Binds a copy of the value.
    ///
    /// - Parameter index: the parameter's number, from 1.
    /// - Returns: a result code of SQLite.
    func bind(to statement: OpaquePointer, at index: CInt) -> CInt
}

extension Int64: StatementValue {
    func bind(to statement: OpaquePointer, at index: CInt) -> CInt {
        sqlite3_bind_int64(statement, index, self)
    }
}

extension Int: StatementValue {
    func bind(to statement: OpaquePointer, at index: CInt) -> CInt {
        Int64(self).bind(to: statement, at: index)
    }
}

extension String: StatementValue {
    func bind(to statement: OpaquePointer, at index: CInt) -> CInt {
        sqlite3_bind_text64(
            statement, index, self, sqlite3_uint64(utf8.count), StatementCopy.transient, UInt8(SQLITE_UTF8))
    }
}

extension Data: StatementValue {
    func bind(to statement: OpaquePointer, at index: CInt) -> CInt {
        withUnsafeBytes {
            $0.isEmpty
                ? sqlite3_bind_zeroblob(statement, index, 0)
                : sqlite3_bind_blob64(
                    statement, index, $0.baseAddress, sqlite3_uint64($0.count), StatementCopy.transient)
        }
    }
}

extension Optional: StatementValue where Wrapped: StatementValue {
    func bind(to statement: OpaquePointer, at index: CInt) -> CInt {
        self?.bind(to: statement, at: index) ?? sqlite3_bind_null(statement, index)
    }
}

private enum StatementCopy {
    /// SQLite's SQLITE_TRANSIENT, which is a macro that Swift does not import: SQLite copies the value.
    static var transient: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }
}

/// Statements that are prepared once for each connection. GRDB prepares and keeps them; SQLite runs them without GRDB's
/// observation, for which there are no observers.
extension Database {
    func run(_ sql: String, _ values: [any StatementValue] = []) throws {
        try rows(of: sql, values) { _ in true }
    }

    /// Returns the first column of the first row; nil if there is no row, or if it is NULL.
    func number(_ sql: String, _ values: [any StatementValue] = []) throws -> Int64? {
        var number: Int64?
        try rows(of: sql, values) { statement in
            number = Self.number(in: statement)
            return false
        }
        return number
    }

    /// Returns the first column of each row, in which it is not NULL.
    func numbers(_ sql: String, _ values: [any StatementValue] = []) throws -> [Int64] {
        var numbers: [Int64] = []
        try rows(of: sql, values) { statement in
            if let number = Self.number(in: statement) { numbers.append(number) }
            return true
        }
        return numbers
    }

    private static func number(in statement: OpaquePointer) -> Int64? {
        sqlite3_column_type(statement, 0) == SQLITE_NULL ? nil : sqlite3_column_int64(statement, 0)
    }

    /// - Parameter read: called for each row; returns whether to go on to the next one.
    private func rows(
        of sql: String, _ values: [any StatementValue], _ read: (OpaquePointer) -> Bool
    ) throws {
        let statement = try cachedStatement(sql: sql).sqliteStatement
        defer {
            sqlite3_reset(statement)
            // A bound value may be large.
            sqlite3_clear_bindings(statement)
        }
        for (index, value) in values.enumerated() {
            let code = value.bind(to: statement, at: CInt(index + 1))
            guard code == SQLITE_OK else { throw failure(code, sql) }
        }
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE { return }
            guard code == SQLITE_ROW else { throw failure(code, sql) }
            guard read(statement) else { return }
        }
    }

    func failure(_ code: CInt, _ sql: String) -> DatabaseError {
        DatabaseError(resultCode: ResultCode(rawValue: code), message: lastErrorMessage, sql: sql)
    }
}
