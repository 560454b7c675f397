/// A JSON value that was read, and where it stands in its text.
struct JSONValue: Sendable {
    indirect enum Content: Sendable {
        case null
        case bool(Bool)
        /// As it is written: Python keeps integers of any size.
        case number(String)
        case string(String)
        case array([JSONValue])
        /// In the order of the text.
        case object([(name: String, value: JSONValue)])
    }

    let content: Content
    let range: Range<Int>

    var isNull: Bool { if case .null = content { true } else { false } }

    var string: String? { if case .string(let value) = content { value } else { nil } }

    var array: [JSONValue]? { if case .array(let value) = content { value } else { nil } }

    var object: [(name: String, value: JSONValue)]? {
        if case .object(let value) = content { value } else { nil }
    }

    /// The member of an object; nil when there is none, or when this is no object.
    subscript(name: String) -> JSONValue? { object?.last { $0.name == name }?.value }

    /// The kind of the value, as error messages name it.
    var kind: String {
        switch content {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
