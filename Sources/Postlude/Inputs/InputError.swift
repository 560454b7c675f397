/// What is wrong with a request's inputs: answered with 422 and a list, in the format of FastAPI.
///
/// ```json
/// {"detail": [{"loc": ["query", "email"], "msg": "Field required", "type": "missing"}]}
/// ```
public struct InputError: Error, Encodable, Sendable {
    /// What is wrong, in the order of the inputs.
    public let issues: [InputIssue]

    /// - Parameter issues: at least one.
    public init(_ issues: [InputIssue]) { self.issues = issues }

    enum CodingKeys: String, CodingKey { case issues = "detail" }
}

/// One thing that is wrong with one value.
public struct InputIssue: Encodable, Hashable, Sendable {
    /// A step on the way to the value: a key, or an index of an array.
    public enum Location: Encodable, Hashable, Sendable, ExpressibleByStringLiteral {
        /// A member, or a field, of this name.
        case key(String)
        /// An element of an array, counted from 0.
        case index(Int)

        public init(stringLiteral value: String) { self = .key(value) }

        /// A key may be the client's own, as long as its body, and stand in a hundred issues: of a long one the
        /// beginning is encoded.
        public func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .key(let key): try container.encode(Self.shortened(key))
            case .index(let index): try container.encode(index)
            }
        }

        private static func shortened(_ key: String) -> String {
            guard key.utf8.count > 256 else { return key }
            return String(decoding: key.utf8.prefix(256), as: UTF8.self) + "…"
        }
    }

    /// Where the value stands: `path`, `query`, `header`, `cookie` or `body`, then its keys.
    public var location: [Location]
    /// What the client reads.
    public var message: String
    /// A stable name of the rule that was broken, such as `missing` or `int_parsing`.
    public var type: String
    /// What the message speaks of, by name: `{"ge": 1}`. Left out of the answer when nil.
    public var context: [String: JSONValue]?

    /// - Parameters:
    ///   - location: `query`, `body` or another part of the request, and the way from there.
    ///   - message: for people.
    ///   - type: for programs.
    ///   - context: what the message speaks of, by name.
    public init(
        location: [Location], message: String, type: String, context: [String: JSONValue]? = nil
    ) {
        self.location = location
        self.message = message
        self.type = type
        self.context = context
    }

    enum CodingKeys: String, CodingKey {
        case location = "loc"
        case message = "msg"
        case type
        case context = "ctx"
    }
}
