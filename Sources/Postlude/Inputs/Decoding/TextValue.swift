internal import FoundationEssentials
internal import PostludeDates

/// Foundation's types as clients write them, where their own decoding would ask for something else.
enum TextValue {
    /// - Returns: nil for any other type.
    static func decode<Value>(
        _ type: Value.Type, text: (any Any.Type) throws -> String, path: () -> [any CodingKey]
    ) throws -> Value? {
        let value: Any?
        let rule: InputRule
        // Compared, not cast: this is asked for every value.
        if type == Date.self {
            (value, rule) = (DateText.date(try text(type)), .dateTime)
        } else if type == URL.self {
            (value, rule) = (URL(string: try text(String.self)), .url)
        } else if type == UUID.self {
            (value, rule) = (UUID(uuidString: try text(String.self)), .uuid)
        } else {
            return nil
        }
        guard let value = value as? Value else { throw rule.error(at: path()) }
        return value
    }

    /// A decimal number without anything around it; nil if there is none.
    static func decimal(_ text: String) -> Decimal? {
        // Foundation stops at what it cannot read.
        guard !text.isEmpty, text.utf8.allSatisfy("0123456789+-.eE".utf8.contains), Double(text) != nil else {
            return nil
        }
        guard let value = Decimal(string: text), value.isFinite else { return nil }
        return value
    }
}
