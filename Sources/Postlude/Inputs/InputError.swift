internal import FoundationEssentials
internal import PostludeJSON

/// The errors in a request's inputs. It is answered with 422 and a list, in the format of FastAPI.
///
/// ```json
/// {"detail": [{"loc": ["query", "email"], "msg": "Field required", "type": "missing"}]}
/// ```
public struct InputError: Error, Encodable, Sendable {
    /// The errors, in the order of the inputs.
    public let issues: [InputIssue]

    /// - Parameter issues: at least one.
    public init(_ issues: [InputIssue]) { self.issues = issues }

    enum CodingKeys: String, CodingKey { case issues = "detail" }
}

/// One error in one value.
public struct InputIssue: Encodable, Hashable, Sendable {
    /// A step of the path to the value: a key, or an index of an array.
    public enum Location: Encodable, Hashable, Sendable, ExpressibleByStringLiteral {
        /// A member, or a field, of this name.
        case key(String)
        /// An element of an array, counted from 0.
        case index(Int)

        public init(stringLiteral value: String) { self = .key(value) }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .key: try container.encode(text)
            case .index(let index): try container.encode(index)
            }
        }

        /// The index, or at most the first 256 bytes of the key: it may come from the client, be as long as the body, and be part of
        /// a hundred issues.
        var text: String {
            switch self {
            case .key(let key): Self.shortened(key)
            case .index(let index): "\(index)"
            }
        }

        private static func shortened(_ key: String) -> String {
            guard key.utf8.count > 256 else { return key }
            return String(decoding: key.utf8.prefix(256), as: UTF8.self) + "…"
        }
    }

    /// The path to the value: `path`, `query`, `header`, `cookie` or `body`, then its keys.
    public var location: [Location]
    /// The message for the client.
    public var message: String
    /// A stable name of the rule that was broken, such as `missing` or `int_parsing`.
    public var type: String
    /// The values in the message, by name: `{"ge": 1}`. Left out of the answer if nil.
    public var context: [String: JSONValue]?

    /// - Parameters:
    ///   - location: `query`, `body` or another part of the request, and the path from there.
    ///   - message: a description for people.
    ///   - type: the name of the rule, for programs.
    ///   - context: the values in the message, by name.
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

/// The rule that a value violates, with the message for the client.
///
/// Thrown as the underlying error of a `DecodingError`, which has the path to the value.
struct InputRule: Error {
    let message: String
    let type: String
    /// The numbers and names in the message, for clients that write their own message.
    var context: [String: JSONValue]?

    static let value = InputRule(message: "Input should be a valid value", type: "value_error")
    static let missing = InputRule(message: "Field required", type: "missing")
    static let dateTime = InputRule(
        message: "Input should be a valid datetime in ISO 8601, such as 2030-01-31T12:00:00Z",
        type: "datetime_parsing")
    static let localDate = InputRule(
        message: "Input should be a valid date, such as 2030-01-31", type: "date_parsing")
    static let localDateTime = InputRule(
        message: "Input should be a valid local date and time, such as 2030-01-31T12:00",
        type: "datetime_parsing")

    static let enumeration = InputRule(message: "Input should be one of the allowed values", type: "enum")
    static let uuid = InputRule(message: "Input should be a valid UUID", type: "uuid_parsing")
    static let url = InputRule(message: "Input should be a valid URL", type: "url_parsing")
    static let base64 = InputRule(message: "Input should be valid Base64", type: "base64_decode")
    static let finite = InputRule(message: "Input should be a finite number", type: "finite_number")
    static let fraction = InputRule(
        message: "Input should be a valid integer, got a number with a fractional part",
        type: "int_from_float")

    /// Returns the rule for an integer below the minimum of its type.
    static func least(_ value: some FixedWidthInteger) -> InputRule {
        InputRule(
            message: "Input should be greater than or equal to \(value)", type: "greater_than_equal",
            context: ["ge": JSONValue(value)])
    }

    /// Returns the rule for an integer above the maximum of its type.
    static func greatest(_ value: some FixedWidthInteger) -> InputRule {
        InputRule(
            message: "Input should be less than or equal to \(value)", type: "less_than_equal",
            context: ["le": JSONValue(value)])
    }

    static func mismatch(_ pattern: String) -> InputRule {
        InputRule(
            message: "String should match pattern '\(pattern)'", type: "string_pattern_mismatch",
            context: ["pattern": .string(pattern)])
    }

    /// Returns the rule for a value that a type's `init(from:)` has refused.
    static func broken(in context: DecodingError.Context) -> InputRule {
        if let rule = context.underlyingError as? InputRule { return rule }
        let text = context.debugDescription
        guard !text.isEmpty else { return .value }
        // Swift's own message, for an enumeration, names a type of the program.
        return text.hasPrefix(swiftsWords)
            ? .enumeration : InputRule(message: text, type: "value_error")
    }

    /// Returns an error that names the allowed values, if it concerns an enumeration that lists its cases; otherwise `error`.
    static func naming(_ error: any Error, casesOf type: Any.Type) -> any Error {
        guard case DecodingError.dataCorrupted(let context) = error, context.underlyingError == nil,
            context.debugDescription.hasPrefix(swiftsWords), let type = type as? any CaseIterable.Type
        else { return error }
        let values = values(of: type)
        guard (1...maximumCases).contains(values.count), let last = values.last else { return error }
        let others = values.dropLast().joined(separator: ", ")
        let expected = others.isEmpty ? last : "\(others) or \(last)"
        let rule = InputRule(
            message: "Input should be \(expected)", type: enumeration.type,
            context: ["expected": .string(expected)])
        return rule.error(at: context.codingPath)
    }

    /// The largest number of values that a message names. The API's description has all of them.
    private static let maximumCases = 50
    private static let swiftsWords = "Cannot initialize "

    /// Returns the values as clients write them, strings in quotation marks.
    private static func values<Cases: CaseIterable>(of type: Cases.Type) -> [String] {
        type.allCases.compactMap { value in
            switch (value as? any RawRepresentable)?.rawValue {
            case let text as String: "'\(text)'"
            case let value?: "\(value)"
            case nil: nil
            }
        }
    }

    /// Returns the error that a decoder throws for this rule.
    func error(at path: [any CodingKey]) -> DecodingError {
        .dataCorrupted(.init(codingPath: path, debugDescription: message, underlyingError: self))
    }

    func issue(_ location: [InputIssue.Location]) -> InputIssue {
        InputIssue(location: location, message: message, type: type, context: context)
    }
}

extension InputError {
    /// Makes the error for a `DecodingError` of a `Decodable` type, with FastAPI's messages.
    ///
    /// - Parameters:
    ///   - source: the part of the request, such as `path` or `body`.
    ///   - isText: whether the values were text that had to be parsed; false for JSON.
    init(_ error: DecodingError, in source: String, isText: Bool) {
        func locate(_ path: [any CodingKey]) -> [InputIssue.Location] {
            [.key(source)] + path.map(InputIssue.Location.init)
        }
        switch error {
        case .keyNotFound(let key, let context):
            self.init([.missing(locate(context.codingPath + [key]))])
        case .valueNotFound(let type, let context), .typeMismatch(let type, let context):
            self.init([.mistyped(type, locate(context.codingPath), isText: isText)])
        case .dataCorrupted(let context):
            self.init([InputRule.broken(in: context).issue(locate(context.codingPath))])
        @unknown default:
            self.init([InputRule.value.issue([.key(source)])])
        }
    }
}

extension InputIssue.Location {
    /// Makes an index only of a key that is named as arrays name them: a dictionary's key has an integer value, too, if it
    /// looks like a number.
    init(_ key: any CodingKey) {
        self =
            key.intValue.flatMap { key.stringValue == "Index \($0)" ? .index($0) : nil }
            ?? .key(key.stringValue)
    }
}

extension InputIssue {
    static func missing(_ location: [Location]) -> InputIssue { InputRule.missing.issue(location) }

    static func mistyped(_ type: any Any.Type, _ location: [Location], isText: Bool) -> InputIssue {
        guard let (name, noun) = ExpectedType(type)?.words else { return InputRule.value.issue(location) }
        let message = "Input should be a valid \(noun)"
        return isText && name != "string"
            ? InputIssue(
                location: location, message: "\(message), unable to parse string as \(article(noun))",
                type: "\(name)_parsing")
            : InputIssue(location: location, message: message, type: "\(name)_type")
    }

    private static func article(_ noun: String) -> String {
        noun.first.map { "aeiou".contains($0) } == true ? "an \(noun)" : "a \(noun)"
    }
}

/// The kinds of values that error messages distinguish.
private enum ExpectedType {
    case integer, number, boolean, string, dateTime, list, object

    /// - Returns: nil for a type of none of these kinds.
    init?(_ type: any Any.Type) {
        switch type {
        case is any BinaryInteger.Type: self = .integer
        case is any BinaryFloatingPoint.Type, is Decimal.Type: self = .number
        case is Bool.Type: self = .boolean
        case is String.Type: self = .string
        case is Date.Type: self = .dateTime
        case is [Any].Type, is [String].Type: self = .list
        case is [String: Any].Type, is [String: String].Type: self = .object
        default: return nil
        }
    }

    var words: (name: String, noun: String) {
        switch self {
        case .integer: ("int", "integer")
        case .number: ("float", "number")
        case .boolean: ("bool", "boolean")
        case .string: ("string", "string")
        case .dateTime: ("datetime", "datetime")
        case .list: ("list", "list")
        case .object: ("dict", "dictionary")
        }
    }
}

extension JSONSyntaxError {
    static let issueType = "json_invalid"

    var issue: InputIssue {
        InputIssue(
            location: ["body", .index(offset)], message: "JSON decode error", type: Self.issueType,
            context: ["error": .string(reason.text), "line": .integer(line), "column": .integer(column)])
    }
}
