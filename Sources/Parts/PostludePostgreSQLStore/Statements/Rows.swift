internal import CPostludePostgreSQL
internal import FoundationEssentials

/// The rows that a statement has returned. Each value is checked: its type, its format and its length.
struct Rows {
    private final class Result {
        let pointer: OpaquePointer
        init(_ pointer: OpaquePointer) { self.pointer = pointer }
        deinit { PQclear(pointer) }
    }

    private let result: Result

    /// - Parameter result: a result of libpq, which is cleared with this value.
    init(owning result: OpaquePointer) { self.result = Result(result) }

    var count: Int { Int(PQntuples(result.pointer)) }

    /// The number of rows that the statement has changed, or returned.
    var changes: Int { PQcmdTuples(result.pointer).flatMap { Int(String(cString: $0)) } ?? 0 }

    /// The command that the server has completed, such as `COMMIT`.
    var command: String { PQcmdStatus(result.pointer).map { String(cString: $0) } ?? "" }

    func isNull(_ row: Int, _ column: Int) throws(PostgreSQLError) -> Bool {
        guard row >= 0, row < count, column >= 0, column < Int(PQnfields(result.pointer)) else {
            throw .unexpected("column \(column) of row \(row), of \(count)")
        }
        return PQgetisnull(result.pointer, Int32(row), Int32(column)) != 0
    }

    private func bytes(
        _ row: Int, _ column: Int, _ type: ColumnType
    ) throws(PostgreSQLError) -> UnsafeRawBufferPointer? {
        guard try !isNull(row, column) else { return nil }
        let found = PQftype(result.pointer, Int32(column))
        guard PQfformat(result.pointer, Int32(column)) == 1, found == type.rawValue,
            let start = PQgetvalue(result.pointer, Int32(row), Int32(column))
        else { throw .unexpected("column \(column) of type \(found) instead of \(type.rawValue)") }
        return UnsafeRawBufferPointer(
            start: start, count: max(0, Int(PQgetlength(result.pointer, Int32(row), Int32(column)))))
    }

    func optionalInteger(_ row: Int, _ column: Int) throws(PostgreSQLError) -> Int64? {
        guard let bytes = try bytes(row, column, .integer) else { return nil }
        guard bytes.count == 8 else { throw .unexpected("a number of \(bytes.count) bytes") }
        return Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
    }

    func integer(_ row: Int, _ column: Int) throws(PostgreSQLError) -> Int64 {
        guard let number = try optionalInteger(row, column) else {
            throw .unexpected("NULL in column \(column)")
        }
        return number
    }

    func boolean(_ row: Int, _ column: Int) throws(PostgreSQLError) -> Bool {
        guard let bytes = try bytes(row, column, .boolean), bytes.count == 1 else {
            throw .unexpected("column \(column), which is not true or false")
        }
        return bytes[0] != 0
    }

    func optionalText(_ row: Int, _ column: Int) throws(PostgreSQLError) -> String? {
        guard let bytes = try bytes(row, column, .text) else { return nil }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .unexpected("text in column \(column) that is not UTF-8")
        }
        return text
    }

    func text(_ row: Int, _ column: Int) throws(PostgreSQLError) -> String {
        guard let text = try optionalText(row, column) else { throw .unexpected("NULL in column \(column)") }
        return text
    }

    func optionalData(_ row: Int, _ column: Int) throws(PostgreSQLError) -> Data? {
        try bytes(row, column, .bytes).map { Data($0) }
    }

    func data(_ row: Int, _ column: Int) throws(PostgreSQLError) -> Data {
        guard let data = try optionalData(row, column) else { throw .unexpected("NULL in column \(column)") }
        return data
    }

    /// The first column of the first row; nil if there is no row, or if it is NULL.
    func first() throws(PostgreSQLError) -> Int64? { count == 0 ? nil : try optionalInteger(0, 0) }

    /// The first column of each row.
    func integers() throws(PostgreSQLError) -> [Int64] {
        var all: [Int64] = []
        for row in 0..<count { all.append(try integer(row, 0)) }
        return all
    }
}
