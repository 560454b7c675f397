extension InputError {
    /// What a `Decodable` type objected to, in the words of FastAPI.
    ///
    /// - Parameters:
    ///   - source: `path`, `query`, `header` or `body`.
    ///   - isText: whether the values were text that had to be parsed, as outside of JSON.
    init(_ error: DecodingError, in source: String, isText: Bool) {
        func locate(_ path: [any CodingKey]) -> [InputIssue.Location] {
            [.key(source)] + path.map { key in key.intValue.map { .index($0) } ?? .key(key.stringValue) }
        }
        switch error {
        case .keyNotFound(let key, let context):
            self.init([.missing(locate(context.codingPath + [key]))])
        case .valueNotFound(let type, let context):
            self.init([.mistyped(type, locate(context.codingPath), isText: isText)])
        case .typeMismatch(let type, let context):
            self.init([.mistyped(type, locate(context.codingPath), isText: isText)])
        case .dataCorrupted(let context):
            self.init([
                InputIssue(
                    location: locate(context.codingPath), message: context.debugDescription,
                    type: "value_error")
            ])
        @unknown default:
            self.init([InputIssue(location: [.key(source)], message: "Invalid value", type: "value_error")])
        }
    }
}

extension InputIssue {
    static func missing(_ location: [Location]) -> InputIssue {
        InputIssue(location: location, message: "Field required", type: "missing")
    }

    static func mistyped(_ type: any Any.Type, _ location: [Location], isText: Bool) -> InputIssue {
        let (name, noun) = ExpectedType(type).words
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
    case integer, number, boolean, string, list, object

    init(_ type: any Any.Type) {
        switch type {
        case is any BinaryInteger.Type: self = .integer
        case is any BinaryFloatingPoint.Type: self = .number
        case is Bool.Type: self = .boolean
        case is String.Type: self = .string
        case is [Any].Type: self = .list
        default: self = .object
        }
    }

    var words: (name: String, noun: String) {
        switch self {
        case .integer: ("int", "integer")
        case .number: ("float", "number")
        case .boolean: ("bool", "boolean")
        case .string: ("string", "string")
        case .list: ("list", "list")
        case .object: ("dict", "dictionary")
        }
    }
}
