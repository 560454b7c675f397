/// A statement in SQL, with the values of its parameters.
///
/// ```swift
/// try connection.execute("INSERT INTO orders (id, email) VALUES (\(id), \(email))")
/// ```
///
/// A value in `\( )` is bound as a parameter, and never becomes part of the text: it cannot change what the statement does. Only
/// a literal is a statement. A text that is made at run time is one by ``init(sql:_:)``.
public struct SQLStatement: ExpressibleByStringInterpolation, Sendable {
    /// The texts around the values: one more than there are values that were interpolated.
    private var texts: [String]
    private var values: [SQLScalar] = []
    /// Whether the text has placeholders of its own.
    private let hasPlaceholders: Bool

    public init(stringLiteral text: String) {
        texts = [text]
        hasPlaceholders = false
    }

    public init(stringInterpolation: StringInterpolation) {
        texts = stringInterpolation.texts
        values = stringInterpolation.values
        hasPlaceholders = false
    }

    /// Makes a statement of a text with placeholders: `$1`, `$2`, … in PostgreSQL, `?` in SQLite.
    ///
    /// - Parameters:
    ///   - sql: the text. It must not contain anything that comes from a client.
    ///   - values: the values of the parameters, in their order.
    public init(sql: String, _ values: any SQLValue...) {
        texts = [sql]
        self.values = values.map(\.sqlScalar)
        hasPlaceholders = true
    }

    /// The parts of a statement's literal.
    public struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var texts = [""]
        fileprivate var values: [SQLScalar] = []

        public init(literalCapacity: Int, interpolationCount: Int) {}

        public mutating func appendLiteral(_ literal: String) { texts[texts.count - 1] += literal }

        /// Binds a value.
        public mutating func appendInterpolation(_ value: some SQLValue) {
            values.append(value.sqlScalar)
            texts.append("")
        }

        /// Binds a value, or NULL.
        public mutating func appendInterpolation(_ value: (some SQLValue)?) {
            values.append(value?.sqlScalar ?? .null)
            texts.append("")
        }

        /// Inserts text as it is, such as the name of a table.
        ///
        /// - Parameter text: must not contain anything that comes from a client.
        public mutating func appendInterpolation(raw text: String) { texts[texts.count - 1] += text }
    }

    /// Returns the text with a placeholder for each value, and the values.
    func written(_ placeholder: (Int) -> String) -> (sql: String, values: [SQLScalar]) {
        if hasPlaceholders { return (texts.joined(), values) }
        var sql = texts.first ?? ""
        for (index, text) in texts.dropFirst().enumerated() { sql += placeholder(index + 1) + text }
        return (sql, values)
    }
}
