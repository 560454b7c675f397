/// The rule that a value broke, in the words that the client reads.
///
/// Thrown as a `DecodingError`'s underlying error, which knows where the value stands.
struct InputRule: Error {
    let message: String
    let type: String
    /// The numbers and names in the message, for a client that words it itself.
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

    /// An integer below what its type holds.
    static func least(_ value: some FixedWidthInteger) -> InputRule {
        InputRule(
            message: "Input should be greater than or equal to \(value)", type: "greater_than_equal",
            context: ["ge": JSONValue(value)])
    }

    /// An integer above what its type holds.
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

    /// The rule of a value that a type's `init(from:)` refused.
    static func broken(in context: DecodingError.Context) -> InputRule {
        if let rule = context.underlyingError as? InputRule { return rule }
        let text = context.debugDescription
        guard !text.isEmpty else { return .value }
        // Swift's own words, of an enumeration, name a type of the program.
        return text.hasPrefix(swiftsWords)
            ? .enumeration : InputRule(message: text, type: "value_error")
    }

    /// An error with the values that are allowed, where it is about an enumeration that lists its cases.
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

    /// A list that a person reads; the API's description has all of a longer one.
    private static let maximumCases = 50
    private static let swiftsWords = "Cannot initialize "

    /// As clients write them, texts in quotation marks.
    private static func values<Cases: CaseIterable>(of type: Cases.Type) -> [String] {
        type.allCases.compactMap { value in
            switch (value as? any RawRepresentable)?.rawValue {
            case let text as String: "'\(text)'"
            case let value?: "\(value)"
            case nil: nil
            }
        }
    }

    /// This rule as what a decoder throws.
    func error(at path: [any CodingKey]) -> DecodingError {
        .dataCorrupted(.init(codingPath: path, debugDescription: message, underlyingError: self))
    }

    func issue(_ location: [InputIssue.Location]) -> InputIssue {
        InputIssue(location: location, message: message, type: type, context: context)
    }
}
