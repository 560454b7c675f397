internal import CPostludePostgreSQL

/// What a statement of the application has returned. All values are text, as the server writes them.
package struct TextRows: Sendable {
    /// The names of the columns.
    package let columns: [String]
    /// The values of each row; nil for NULL.
    package let rows: [[String?]]
    /// The number of rows that the statement has changed, or returned.
    package let changes: Int

    /// - Parameter result: a result of libpq, which stays the caller's.
    init(_ result: OpaquePointer) throws(PostgreSQLError) {
        let count = max(0, PQnfields(result))
        columns = (0..<count).map { PQfname(result, $0).map { String(cString: $0) } ?? "" }
        var rows: [[String?]] = []
        for row in 0..<max(0, PQntuples(result)) {
            var values: [String?] = []
            values.reserveCapacity(Int(count))
            for column in 0..<count {
                values.append(try Self.value(row, column, of: result))
            }
            rows.append(values)
        }
        self.rows = rows
        changes = PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0
    }

    private static func value(
        _ row: Int32, _ column: Int32, of result: OpaquePointer
    ) throws(PostgreSQLError) -> String? {
        if PQgetisnull(result, row, column) != 0 { return nil }
        guard PQfformat(result, column) == 0, let start = PQgetvalue(result, row, column) else {
            throw .unexpected("column \(column) not as text")
        }
        let bytes = UnsafeRawBufferPointer(start: start, count: max(0, Int(PQgetlength(result, row, column))))
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .unexpected("text in column \(column) that is not UTF-8")
        }
        return text
    }
}
