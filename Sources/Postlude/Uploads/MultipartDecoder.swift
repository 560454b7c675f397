/// Decodes a type from the fields of a form: texts and files.
final class MultipartDecoder: InputDecoder, Decoder {
    /// The parts of each name, in the order in which they came.
    private let contents: [ExactName: [MultipartForm.Part.Content]]

    init(_ form: MultipartForm) {
        // Browsers send an empty text for every field that was not filled in.
        contents = Dictionary(grouping: form.parts.filter { !$0.isEmptyText }) { ExactName($0.name) }
            .mapValues { $0.map(\.content) }
        super.init(report: InputReport(source: "body", isText: true))
    }

    var names: some Collection<String> { contents.keys.map(\.text) }

    func field(_ name: String) -> MultipartFieldDecoder {
        MultipartFieldDecoder(contents[ExactName(name)] ?? [], parent: self, step: .key(name))
    }

    override func decodeValue<Value: Decodable>(_ type: Value.Type) throws -> Value {
        self.type = type
        return try Value(from: self)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(
            MultipartContainer(decoder: self, definitions: FieldDefinitions.resolve(self.type)))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw shapeless }
    func singleValueContainer() throws -> any SingleValueDecodingContainer { throw shapeless }

    private var shapeless: FieldMisuse { FieldMisuse("\(type) has no properties to take a form's fields") }
}

/// The properties of a struct.
private struct MultipartContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: MultipartDecoder
    let definitions: FieldDefinitions?
    var codingPath: [any CodingKey] { decoder.codingPath }
    var allKeys: [Key] { decoder.names.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { !decoder.field(key.stringValue).isAbsent }

    func decodeNil(forKey key: Key) throws -> Bool { !contains(key) }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        let definition = try InputDecoder.definition(key, in: definitions)
        let field = decoder.field(definition?.name ?? key.stringValue)
        field.definition = definition
        return try field.decodeValue(type)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try decoder.field(key.stringValue).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try decoder.field(key.stringValue).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { decoder }
    func superDecoder(forKey key: Key) throws -> any Decoder { decoder }
}

extension MultipartForm.Part {
    fileprivate var isEmptyText: Bool {
        if case .text("") = content { true } else { false }
    }
}
