internal import FoundationEssentials

/// Decodes one value from text, or a list from the texts of a repeated parameter.
final class TextDecoder: InputDecoder, Decoder, ScalarContainer {
    /// nil if the parameter is absent.
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

    // Apart, since a generic optional costs a search in the runtime's tables, which the usual types need not pay.
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

    /// Whether a type is decoded from text in another way than it would do itself.
    static func isForeign(_ type: Any.Type) -> Bool { foreign.contains(ObjectIdentifier(type)) }

    /// Looked up once: Foundation is asked for each of its types through a function.
    private static let foreign = [Date.self, URL.self, UUID.self, Decimal.self].map { ObjectIdentifier($0) }

    func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws -> Value {
        guard let value = Value(try decode(String.self), radix: 10) else { throw mismatch(type) }
        return value
    }

    /// Finite decimal numbers only: Swift also reads `nan`, `inf` and `0x1p3`, and makes 1e999 infinite.
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
