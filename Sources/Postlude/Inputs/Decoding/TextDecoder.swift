internal import FoundationEssentials
internal import PostludeDates

/// Decodes one value from text, or a list from the texts of a repeated parameter.
final class TextDecoder: InputDecoder, Decoder, ScalarContainer {
    /// The parameter's text; nil if it is absent.
    private let text: String?
    /// Every text of the parameter, for a list.
    private let all: () -> [String]

    override var isAbsent: Bool { text == nil }

    init(
        _ text: String?, all: @autoclosure @escaping () -> [String], parent: InputDecoder,
        step: InputIssue.Location
    ) {
        self.text = text
        self.all = all
        super.init(parent: parent, step: step)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        throw mismatch([String: String].self)
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard !isAbsent else { throw missing }
        return ListContainer(TextList(texts: all(), parent: self), decoder: self)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    // MARK: Single values

    func decodeNil() -> Bool { isAbsent }

    func decode(_ type: String.Type) throws -> String {
        guard let text else { throw missing }
        return text
    }

    func decode(_ type: Bool.Type) throws -> Bool {
        switch try decode(String.self).lowercased() {
        case "true", "1", "yes", "on", "t", "y": true
        case "false", "0", "no", "off", "f", "n": false
        default: throw mismatch(type)
        }
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decodeValue(type) }

    override func decodeValue<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if Self.isForeign(type) { return try decodeForeign(type) }
        do {
            return try Value(from: self)
        } catch {
            throw InputRule.naming(error, casesOf: type)
        }
    }

    // A separate function, since a generic optional costs a search in the runtime's tables, which usual types do not need.
    @inline(never)
    private func decodeForeign<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if let value = try TextValue.decode(
            type, text: { _ in try decode(String.self) }, path: { codingPath })
        {
            return value
        }
        if type == Decimal.self {
            let text = try decode(String.self)
            guard let value = TextValue.decimal(text) as? Value else { throw mismatch(type) }
            return value
        }
        return try Value(from: self)
    }

    /// Whether a type is decoded from text in another way than by its own `init(from:)`.
    static func isForeign(_ type: Any.Type) -> Bool { foreign.contains(ObjectIdentifier(type)) }

    /// Looked up once, since each access to a type of Foundation calls a function.
    private static let foreign = [Date.self, URL.self, UUID.self, Decimal.self].map { ObjectIdentifier($0) }

    func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws -> Value {
        guard let value = Value(try decode(String.self), radix: 10) else { throw mismatch(type) }
        return value
    }

    /// Decodes finite decimal numbers only: Swift also reads `nan`, `inf` and `0x1p3`, and makes 1e999 infinite.
    func number<Value: BinaryFloatingPoint & LosslessStringConvertible>(_ type: Value.Type) throws -> Value {
        let text = try decode(String.self)
        guard let value = Value(text), value.isFinite,
            text.utf8.allSatisfy("0123456789+-.eE".utf8.contains)
        else { throw mismatch(type) }
        return value
    }

    // MARK: Errors

    private var missing: DecodingError { InputRule.missing.error(at: codingPath) }

    private func mismatch(_ type: any Any.Type) -> DecodingError {
        guard !isAbsent else { return missing }
        return .typeMismatch(type, .init(codingPath: codingPath, debugDescription: "no \(type)"))
    }
}

/// The texts of a repeated parameter.
struct TextList: ListValues {
    let texts: [String]
    let parent: InputDecoder

    var count: Int { texts.count }

    func decoder(at index: Int) -> TextDecoder {
        let text = texts[index]
        return TextDecoder(text, all: [text], parent: parent, step: .index(index))
    }
}

/// Reads Foundation's types as clients write them, which their own decoding does not accept.
enum TextValue {
    /// Reads a `Date`, `URL` or `UUID`.
    ///
    /// - Returns: nil for any other type.
    static func decode<Value>(
        _ type: Value.Type, text: (any Any.Type) throws -> String, path: () -> [any CodingKey]
    ) throws -> Value? {
        let value: Any?
        let rule: InputRule
        // Compared and not cast, for speed.
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

    /// Returns the decimal number that the whole text is; nil if it is not one.
    static func decimal(_ text: String) -> Decimal? {
        // Foundation would ignore what follows a number.
        guard !text.isEmpty, text.utf8.allSatisfy("0123456789+-.eE".utf8.contains), Double(text) != nil else {
            return nil
        }
        guard let value = Decimal(string: text), value.isFinite else { return nil }
        return value
    }
}
