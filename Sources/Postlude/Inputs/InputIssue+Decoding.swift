internal import FoundationEssentials

extension InputError {
    /// What a `Decodable` type objected to, in the words of FastAPI.
    ///
    /// - Parameters:
    ///   - source: `path`, `query`, `header` or `body`.
    ///   - isText: whether the values were text that had to be parsed, as outside of JSON.
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
    /// Dictionaries give their keys a number where they look like one; only an array's steps are called so.
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

/// The kinds of values that error messages tell apart.
private enum ExpectedType {
    case integer, number, boolean, string, dateTime, list, object

    /// nil for a type of which only the program knows what it is.
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
    var issue: InputIssue {
        InputIssue(
            location: ["body", .index(offset)], message: "JSON decode error", type: "json_invalid",
            context: ["error": .string(reason), "line": .integer(line), "column": .integer(column)])
    }
}
