internal import PostludeFastCGI

/// Decodes a type from names and text values: path parameters, a query, a form, cookies, or header fields.
///
/// A struct takes its properties by name; an array property takes every value of its name; a scalar takes the only
/// parameter.
final class ParametersDecoder: InputDecoder, Decoder, ScalarContainer {
    /// Which of several values a scalar property takes.
    enum Choice {
        case first, last
        /// All of them, joined with commas as HTTP joins fields.
        case joined
    }

    /// The names and values in the order in which they came.
    var values: [(name: String, value: String)] {
        if let listed { return listed }
        let all = head.map(HeaderParameter.fields) ?? []
        listed = all
        return all
    }
    private var listed: [(name: String, value: String)]?
    /// The request's head, if header fields are decoded. They are looked up by name: a struct asks for few of many.
    private let head: RequestHead?
    private let choice: Choice
    /// Whether a property's key matches a name; nil if they have to be equal.
    private let matches: ((_ key: String, _ name: String) -> Bool)?
    /// Whether a list's text is split at its commas.
    private let splitsLists: Bool
    /// The indices of each name, used if there are many values: a linear search for each key of a dictionary would be slow.
    private lazy var places = Dictionary(grouping: values.indices) { ExactName(values[$0].name) }
    private static let fewValues = 16

    /// - Parameter skipsEmpty: whether an empty text counts as absent.
    init(
        _ values: [(name: String, value: String)], source: String, choosing choice: Choice = .last,
        skipsEmpty: Bool = false, splitsLists: Bool = false,
        matching matches: ((String, String) -> Bool)? = nil
    ) {
        listed = skipsEmpty ? values.filter { !$0.value.isEmpty } : values
        head = nil
        self.choice = choice
        self.matches = matches
        self.splitsLists = splitsLists
        super.init(source: source, isText: true)
    }

    /// Makes a decoder of a request's header fields.
    init(headerOf head: RequestHead) {
        self.head = head
        choice = .joined
        matches = FieldName.matches
        splitsLists = false
        super.init(source: "header", isText: true)
    }

    // MARK: A struct

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(
            ParametersContainer(decoder: self, definitions: FieldDefinitions.resolve(self.type)))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        ListContainer(TextList(texts: values.map(\.value), parent: self), decoder: self)
    }

    var names: [String] { places.keys.map(\.text) }

    func texts(for key: String) -> [String] {
        if listed == nil, let head { return HeaderParameter.values(for: key, in: head) }
        if let matches {
            // A dictionary asks for each header field by its exact name.
            if choice == .joined, values.count > Self.fewValues, let exact = places[ExactName(key)] {
                return exact.map { values[$0].value }
            }
            return values.filter { matches(key, $0.name) }.map(\.value)
        }
        if values.count > Self.fewValues { return (places[ExactName(key)] ?? []).map { values[$0].value } }
        return values.filter { ExactName.areSame($0.name, key) }.map(\.value)
    }

    /// Returns the texts for a list.
    func list(for key: String) -> [String] {
        guard splitsLists else { return texts(for: key) }
        return texts(for: key).flatMap { text in
            text.split(separator: ",").map { part in
                var part = part.drop { $0 == " " }
                while part.last == " " { part.removeLast() }
                return String(part)
            }
        }
    }

    /// Returns the text for a scalar.
    func text(for key: String) -> String? {
        guard matches == nil, choice != .joined, values.count <= Self.fewValues else {
            let texts = texts(for: key)
            switch choice {
            case .first: return texts.first
            case .last: return texts.last
            case .joined: return texts.count > 1 ? texts.joined(separator: ", ") : texts.first
            }
        }
        return choice == .first
            ? values.first { ExactName.areSame($0.name, key) }?.value
            : values.last { ExactName.areSame($0.name, key) }?.value
    }

    // MARK: The only parameter

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    private func only() throws -> TextDecoder {
        guard let only = values.first else { throw InputRule.missing.error(at: codingPath) }
        guard values.count == 1 else {
            throw InputRule(
                message: "Expected exactly one parameter, found \(values.count)", type: "value_error"
            ).error(at: codingPath)
        }
        return TextDecoder(only.value, all: [only.value], parent: self, step: .key(only.name))
    }

    func decodeNil() -> Bool { values.isEmpty }
    func decode(_ type: String.Type) throws -> String { try only().decode(type) }
    func decode(_ type: Bool.Type) throws -> Bool { try only().decode(type) }
    func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws -> Value { try only().integer(type) }
    func number<Value: BinaryFloatingPoint & LosslessStringConvertible>(_ type: Value.Type) throws -> Value {
        try only().number(type)
    }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decodeValue(type) }

    override func decodeValue<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if TextDecoder.isForeign(type) { return try only().decodeValue(type) }
        return try decoding(type) { try Value(from: self) }
    }
}

/// The properties of a struct.
private struct ParametersContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: ParametersDecoder
    let definitions: FieldDefinitions?
    var codingPath: [any CodingKey] { decoder.codingPath }
    var allKeys: [Key] {
        definitions?.keys { decoder.text(for: $0) != nil }
            ?? decoder.names.compactMap { Key(stringValue: $0) }
    }

    private func name(_ key: Key) -> String { FieldDefinitions.name(of: key, in: definitions) }

    func contains(_ key: Key) -> Bool { decoder.text(for: name(key)) != nil }

    func decodeNil(forKey key: Key) throws -> Bool { !contains(key) }

    // The usual types are decoded without a child decoder, which is made only to report an error.

    func decode(_ type: String.Type, forKey key: Key) throws -> String {
        try plainText(key) ?? decodeValue(type, key)
    }

    func decode(_ type: Int.Type, forKey key: Key) throws -> Int {
        try plainText(key).flatMap { Int($0) } ?? decodeValue(type, key)
    }

    /// Returns the text; nil if it is absent, or the type has ``Field``s.
    private func plainText(_ key: Key) -> String? {
        definitions == nil ? decoder.text(for: key.stringValue) : nil
    }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try decodeValue(type, key)
    }

    private func decodeValue<Value: Decodable>(_ type: Value.Type, _ key: Key) throws -> Value {
        let definition = try InputDecoder.definition(key, in: definitions)
        let child = child(definition?.name ?? key.stringValue)
        child.definition = definition
        return try child.decodeValue(type)
    }

    private func child(_ name: String) -> TextDecoder {
        TextDecoder(
            decoder.text(for: name), all: decoder.list(for: name), parent: decoder, step: .key(name))
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try child(name(key)).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try child(name(key)).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { decoder }
    func superDecoder(forKey key: Key) throws -> any Decoder { decoder }
}

/// A name as a dictionary's key, compared by its bytes. To `String`, `é` as one scalar and `é` as two are equal, which they are
/// to no client and to no other server.
struct ExactName: Hashable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (one: ExactName, other: ExactName) -> Bool { areSame(one.text, other.text) }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    static func areSame(_ one: String, _ other: String) -> Bool {
        // The first comparison is the fast one.
        one == other && one.utf8.elementsEqual(other.utf8)
    }
}
