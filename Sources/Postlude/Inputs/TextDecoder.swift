internal import FoundationEssentials

/// Decodes one value from text, or a list from the texts of a repeated parameter.
struct TextDecoder: Decoder, SingleValueDecodingContainer {
    let text: String
    /// Every text of the parameter, for a list.
    var all: [String]
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(text: String, all: [String]? = nil, codingPath: [any CodingKey]) {
        self.text = text
        self.all = all ?? [text]
        self.codingPath = codingPath
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        throw mismatch([String: String].self)
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        TextListContainer(texts: all, codingPath: codingPath)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    func decodeNil() -> Bool { false }
    func decode(_ type: String.Type) throws -> String { text }
    func decode(_ type: Bool.Type) throws -> Bool {
        switch text.lowercased() {
        case "true", "1", "yes", "on", "t", "y": true
        case "false", "0", "no", "off", "f", "n": false
        default: throw mismatch(type)
        }
    }
    func decode(_ type: Double.Type) throws -> Double { try parseNumber() }
    func decode(_ type: Float.Type) throws -> Float { try parseNumber() }
    func decode(_ type: Int.Type) throws -> Int { try parse() }
    func decode(_ type: Int8.Type) throws -> Int8 { try parse() }
    func decode(_ type: Int16.Type) throws -> Int16 { try parse() }
    func decode(_ type: Int32.Type) throws -> Int32 { try parse() }
    func decode(_ type: Int64.Type) throws -> Int64 { try parse() }
    func decode(_ type: UInt.Type) throws -> UInt { try parse() }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try parse() }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try parse() }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try parse() }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try parse() }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        // Date's own decoding asks for seconds since 2001.
        guard type is Date.Type else { return try Value(from: self) }
        guard let date = DateTimeText.date(text) as? Value else {
            throw InputRule.dateTime.error(at: codingPath)
        }
        return date
    }

    private func parse<Value: LosslessStringConvertible>() throws -> Value {
        guard let value = Value(text) else { throw mismatch(Value.self) }
        return value
    }

    /// Finite decimal numbers only: Swift also reads `nan`, `inf` and `0x1p3`, and makes 1e999 infinite.
    private func parseNumber<Value: BinaryFloatingPoint & LosslessStringConvertible>() throws -> Value {
        let value: Value = try parse()
        guard value.isFinite, text.utf8.allSatisfy("0123456789+-.eE".utf8.contains) else {
            throw mismatch(Value.self)
        }
        return value
    }

    private func mismatch(_ type: any Any.Type) -> DecodingError {
        .typeMismatch(type, .init(codingPath: codingPath, debugDescription: "\"\(text)\" is no \(type)"))
    }
}

/// The values of a repeated parameter.
struct TextListContainer: UnkeyedDecodingContainer {
    let texts: [String]
    let codingPath: [any CodingKey]
    private(set) var currentIndex = 0
    var count: Int? { texts.count }
    var isAtEnd: Bool { currentIndex >= texts.count }

    init(texts: [String], codingPath: [any CodingKey]) {
        self.texts = texts
        self.codingPath = codingPath
    }

    mutating func decodeNil() throws -> Bool { false }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let value = try next(type).decode(type)
        currentIndex += 1
        return value
    }

    mutating func nestedContainer<Key: CodingKey>(
        keyedBy type: Key.Type
    ) throws -> KeyedDecodingContainer<Key> {
        try next([String: String].self).container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try next([String].self).unkeyedContainer()
    }

    mutating func superDecoder() throws -> any Decoder { try next(String.self) }

    private func next(_ type: any Any.Type) throws -> TextDecoder {
        let path = codingPath + [ParameterKey(index: currentIndex)]
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                type, .init(codingPath: path, debugDescription: "Field required"))
        }
        return TextDecoder(text: texts[currentIndex], codingPath: path)
    }
}
