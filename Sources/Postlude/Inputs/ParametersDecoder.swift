internal import FoundationEssentials

/// Decodes a type from names and text values: path parameters, a query, or header fields.
///
/// A struct takes its properties by name; an array property takes every value of its name; a scalar takes the only
/// parameter there is.
struct ParametersDecoder: Decoder {
    /// The values of each name, in the order in which they came.
    let values: [(name: String, value: String)]
    /// Whether a property's key means this name.
    let matches: @Sendable (_ key: String, _ name: String) -> Bool
    /// What a scalar property gets of several values.
    let joining: @Sendable ([String]) -> String
    /// The values by name: a dictionary's keys would otherwise cost a search each.
    private let grouped: [String: [String]]
    var codingPath: [any CodingKey] = []
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(
        _ values: [(name: String, value: String)],
        joining: @escaping @Sendable ([String]) -> String = { $0.last ?? "" },
        matching matches: @escaping @Sendable (String, String) -> Bool = { $0 == $1 }
    ) {
        self.values = values
        self.joining = joining
        grouped = Dictionary(grouping: values, by: \.name).mapValues { $0.map(\.value) }
        self.matches = matches
    }

    /// Decodes `type`, turning what is wrong with it into an ``InputError`` of `source`.
    static func decode<Value: Decodable>(
        _ type: Value.Type, from decoder: ParametersDecoder, source: String
    ) throws -> Value {
        do {
            return try decoder.decode(type)
        } catch let error as DecodingError {
            throw InputError(error, in: source, isText: true)
        }
    }

    fileprivate func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if let optional = type as? any Omissible.Type,
            let value = try optional.init(parameters: self) as? Value
        {
            return value
        }
        return try type is Date.Type ? singleValueContainer().decode(type) : Value(from: self)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(ParametersContainer(decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        TextListContainer(texts: values.map(\.value), codingPath: codingPath)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        guard let only = values.first else { throw InputRule.missing.error(at: codingPath) }
        guard values.count == 1 else {
            let context = DecodingError.Context(
                codingPath: codingPath,
                debugDescription: "Expected exactly one parameter, found \(values.count)")
            throw DecodingError.dataCorrupted(context)
        }
        return TextDecoder(text: only.value, codingPath: codingPath + [ParameterKey(only.name)])
    }

    var names: some Collection<String> { grouped.keys }

    func texts(for key: String) -> [String] {
        grouped[key] ?? values.filter { matches(key, $0.name) }.map(\.value)
    }
}

/// A type whose value may be absent as a whole: an optional.
private protocol Omissible {
    init(parameters: ParametersDecoder) throws
}

extension Optional: Omissible where Wrapped: Decodable {
    fileprivate init(parameters: ParametersDecoder) throws {
        self = parameters.values.isEmpty ? nil : try parameters.decode(Wrapped.self)
    }
}

/// A parameter's name as a coding key.
struct ParameterKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ name: String) { (stringValue, intValue) = (name, nil) }
    /// Named as Foundation names the steps of an array.
    init(index: Int) { (stringValue, intValue) = ("Index \(index)", index) }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { self.init(index: intValue) }
}

/// The properties of a struct.
private struct ParametersContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: ParametersDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }
    var allKeys: [Key] { decoder.names.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { !decoder.texts(for: key.stringValue).isEmpty }

    func decodeNil(forKey key: Key) throws -> Bool { !contains(key) }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        let texts = decoder.texts(for: key.stringValue)
        guard !texts.isEmpty else {
            throw DecodingError.keyNotFound(
                key, .init(codingPath: codingPath, debugDescription: "Field required"))
        }
        return try TextDecoder(text: decoder.joining(texts), all: texts, codingPath: codingPath + [key])
            .decode(type)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        throw nesting(key)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        TextListContainer(texts: decoder.texts(for: key.stringValue), codingPath: codingPath + [key])
    }

    func superDecoder() throws -> any Decoder { decoder }
    func superDecoder(forKey key: Key) throws -> any Decoder { decoder }

    private func nesting(_ key: Key) -> DecodingError {
        .typeMismatch(
            [String: String].self,
            .init(codingPath: codingPath + [key], debugDescription: "a parameter holds no nested values"))
    }
}
