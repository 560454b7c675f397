/// A JSON value of any shape (RFC 8259).
///
/// ```swift
/// let event: JSONValue = ["name": "start", "tags": ["a", "b"], "count": 2, "end": .null]
/// event["tags"]?[0]  // .string("a")
/// ```
public enum JSONValue: Codable, Hashable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number without a fraction that an `Int` holds.
    case integer(Int)
    /// Any other number.
    case number(Double)
    /// A string.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object. Of members with one key the last one counts; a `String` is equal to its canonical equivalents, so that
    /// an object whose keys are such keeps the last of those, too. A type with properties tells them apart.
    case object([String: JSONValue])

    public init(from decoder: any Decoder) throws {
        // Asking a decoder for a value's kind costs an error each time.
        if let decoder = decoder as? any JSONValueDecoder {
            self = try decoder.json()
            return
        }
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

/// A decoder that has the whole value already.
protocol JSONValueDecoder: Decoder {
    /// Returns the whole value, without decoding it into a type.
    func json() throws -> JSONValue
}
