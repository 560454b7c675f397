/// The members of a JSON object.
struct JSONObjectContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: JSONNodeDecoder
    let object: Int
    let definitions: FieldDefinitions?
    /// The members by key, for an object with so many that a search for each key would take long.
    private let members: [ExactName: Int]?

    init(decoder: JSONNodeDecoder, object: Int, definitions: FieldDefinitions?) {
        self.decoder = decoder
        self.object = object
        self.definitions = definitions
        let document = decoder.document
        // A member takes two nodes at least.
        guard Int(document.nodes[object].next) - object > 64 else {
            members = nil
            return
        }
        members = Dictionary(
            document.indices(of: object).map {
                (ExactName(document.string(at: $0)), document.value(ofKey: $0))
            }
        ) { $1 }
    }

    var codingPath: [any CodingKey] { decoder.codingPath }

    var allKeys: [Key] {
        var seen: Set<ExactName> = []
        return decoder.document.indices(of: object).compactMap { index in
            let key = decoder.document.string(at: index)
            return seen.insert(ExactName(key)).inserted ? Key(stringValue: key) : nil
        }
    }

    private func index(_ name: String) -> Int? {
        members.map { $0[ExactName(name)] } ?? decoder.document.member(name, of: object)
    }

    func contains(_ key: Key) -> Bool { index(key.stringValue) != nil }

    func decodeNil(forKey key: Key) throws -> Bool { try child(key).decodeNil() }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        guard let definition = try InputDecoder.definition(key, in: definitions) else {
            return try child(key).decodeValue(type)
        }
        let child = JSONNodeDecoder(
            index(definition.name), parent: decoder, step: .key(definition.name))
        child.definition = definition
        return try child.decodeValue(type)
    }

    /// Of `Int??`, absent is nil and null an inner nil.
    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        guard let index = index(key.stringValue) else { return nil }
        let child = JSONNodeDecoder(index, parent: decoder, step: .key(key.stringValue))
        return child.isNull ? NullValue.absent(type) : try child.decodeValue(type)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try child(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try child(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        JSONNodeDecoder(index("super"), parent: decoder, step: .key("super"))
    }

    func superDecoder(forKey key: Key) throws -> any Decoder { try child(key) }

    private func child(_ key: Key) throws -> JSONNodeDecoder {
        guard let index = index(key.stringValue) else {
            throw DecodingError.keyNotFound(
                key, .init(codingPath: codingPath, debugDescription: "Field required"))
        }
        return JSONNodeDecoder(index, parent: decoder, step: .key(key.stringValue))
    }
}
