/// A row that a query has returned.
public struct SQLRow: Sendable {
    /// The names of the columns.
    public let columns: [String]
    private let values: [SQLScalar]

    init(_ columns: [String], _ values: [SQLScalar]) {
        self.columns = columns
        self.values = values
    }

    /// Returns the value of a column, whose type is that of the result. A column that may be NULL is an optional.
    ///
    /// - Parameters:
    ///   - column: the column's name.
    ///   - type: the type, if it does not follow from the use.
    /// - Throws: ``SQLRowError`` if there is no such column, or if its value is not of that type.
    public func decode<Value: SQLValue>(_ column: String, as type: Value.Type = Value.self) throws -> Value {
        guard let index = columns.firstIndex(of: column) else {
            throw SQLRowError(
                column: column, problem: "there is none; the columns: \(columns.joined(separator: ", "))")
        }
        return try value(index, called: column)
    }

    /// Returns the value of a column by its place, from 0.
    ///
    /// - Parameters:
    ///   - index: the place.
    ///   - type: the type, if it does not follow from the use.
    /// - Throws: ``SQLRowError`` if there is no such column, or if its value is not of that type.
    public func decode<Value: SQLValue>(_ index: Int, as type: Value.Type = Value.self) throws -> Value {
        guard values.indices.contains(index) else {
            throw SQLRowError(column: "\(index)", problem: "there are \(values.count) columns")
        }
        return try value(index, called: columns[index])
    }

    private func value<Value: SQLValue>(_ index: Int, called name: String) throws -> Value {
        guard let value = Value(sqlScalar: values[index]) else {
            let found = values[index] == .null ? "it is NULL" : "its value is another type's"
            throw SQLRowError(column: name, problem: "\(found), expected \(Value.self)")
        }
        return value
    }
}

/// The error of a column that is not as the application expects it. It does not contain the value.
public struct SQLRowError: Error, Sendable, CustomStringConvertible {
    /// The column's name, or its place.
    public let column: String
    private let problem: String

    init(column: String, problem: String) {
        self.column = column
        self.problem = problem
    }

    public var description: String { "the column \(column): \(problem)" }
}
