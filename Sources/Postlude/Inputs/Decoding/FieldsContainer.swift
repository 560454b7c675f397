/// A decoder of a form's fields, each of which has a decoder of its own.
protocol FieldSource: InputDecoder, Decoder {
    /// The names of the fields that the client has sent.
    var fieldNames: [String] { get }
    /// Returns the decoder of a field, also if the client has not sent it.
    func field(_ name: String) -> any FormValueDecoder
}

/// The properties of a struct, decoded from the fields of a form.
struct FieldsContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let source: any FieldSource
    private let definitions: FieldDefinitions?

    /// - Parameter source: the decoder of the struct.
    init(source: any FieldSource) {
        self.source = source
        definitions = FieldDefinitions.resolve(source.type)
    }

    var codingPath: [any CodingKey] { (source as InputDecoder).codingPath }
    var allKeys: [Key] {
        definitions?.keys { !source.field($0).isAbsent }
            ?? source.fieldNames.compactMap { Key(stringValue: $0) }
    }

    private func field(_ key: Key) -> any FormValueDecoder {
        source.field(FieldDefinitions.name(of: key, in: definitions))
    }

    func contains(_ key: Key) -> Bool { !field(key).isAbsent }

    func decodeNil(forKey key: Key) throws -> Bool { !contains(key) }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        let definition = try InputDecoder.definition(key, in: definitions)
        let field = source.field(definition?.name ?? key.stringValue)
        field.definition = definition
        return try field.decodeValue(type)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try field(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try field(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { source }
    func superDecoder(forKey key: Key) throws -> any Decoder { source }
}
