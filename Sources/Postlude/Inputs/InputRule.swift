/// The rule that a value broke, in the words that the client reads.
///
/// Thrown as a `DecodingError`'s underlying error, which knows where the value stands.
struct InputRule: Error {
    let message: String
    let type: String

    static let value = InputRule(message: "Input should be a valid value", type: "value_error")
    static let missing = InputRule(message: "Field required", type: "missing")
    static let dateTime = InputRule(
        message: "Input should be a valid datetime in ISO 8601, such as 2030-01-31T12:00:00Z",
        type: "datetime_parsing")

    /// The texts by which Swift and Foundation can be told from a type's own words, with ours for them: theirs name
    /// types of the program.
    private static let known: [(start: String, rule: InputRule)] = [
        ("Cannot initialize ", InputRule(message: "Input should be one of the allowed values", type: "enum")),
        (
            "Attempted to decode UUID ",
            InputRule(message: "Input should be a valid UUID", type: "uuid_parsing")
        ),
        ("Invalid URL string", InputRule(message: "Input should be a valid URL", type: "url_parsing")),
        (
            // Of JSON that is well-formed: see Body.
            "The given data was not valid JSON",
            InputRule(
                message: "Numbers must be in range, and without a fraction where an integer is expected",
                type: "value_error")
        ),
        ("Encountered Data ", InputRule(message: "Input should be valid Base64", type: "base64_decode")),
    ]

    /// The rule of a value that a type's `init(from:)` refused.
    static func broken(in context: DecodingError.Context) -> InputRule {
        if let rule = context.underlyingError as? InputRule { return rule }
        let text = context.debugDescription
        guard !text.isEmpty else { return .value }
        return known.first { text.hasPrefix($0.start) }?.rule
            ?? InputRule(message: text, type: "value_error")
    }

    /// This rule as what a decoder throws.
    func error(at path: [any CodingKey]) -> DecodingError {
        .dataCorrupted(.init(codingPath: path, debugDescription: message, underlyingError: self))
    }

    func issue(_ location: [InputIssue.Location]) -> InputIssue {
        InputIssue(location: location, message: message, type: type)
    }
}
