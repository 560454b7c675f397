internal import PostludeSystem

/// The fields of an ``InputFields`` type, read from its prototype on their first use.
final class FieldDefinitions: Sendable {
    /// In the order of declaration.
    let all: [any FieldDefinition]
    /// The reason why no value of the type can be decoded; nil if there is none.
    let problem: String?

    private static let known = Lock<[ObjectIdentifier: FieldDefinitions?]>([:])

    /// Returns the fields of a type; nil if it is not an ``InputFields``.
    static func of(_ type: Any.Type) -> [any FieldDefinition]? { resolve(type)?.all }

    /// Returns the definitions of a type; nil if it is not an ``InputFields``.
    static func resolve(_ type: Any.Type) -> FieldDefinitions? {
        let id = ObjectIdentifier(type)
        if let found = known.withLock({ $0[id] }) { return found }
        // Outside of the lock, since a prototype runs the application's code: at worst it is made twice.
        let definitions = (type as? any InputFields.Type).map { FieldDefinitions(of: $0) }
        known.withLock { $0[id] = .some(definitions) }
        return definitions
    }

    private init(of type: any InputFields.Type) {
        var fields: [any FieldDefinition] = []
        for child in Mirror(reflecting: type.init()).children {
            guard let label = child.label, let field = child.value as? any DeclaredField else { continue }
            // The wrapper's storage has the property's name with an underscore before it.
            fields.append(field.definition(key: String(label.dropFirst())))
        }
        all = fields
        problem = Self.problem(of: type, fields)
    }

    func first(key: String) -> (any FieldDefinition)? { all.first { $0.key == key } }

    /// Returns the name that clients write for a property: that of its field, or otherwise the key.
    static func name(of key: some CodingKey, in definitions: FieldDefinitions?) -> String {
        definitions?.first(key: key.stringValue)?.name ?? key.stringValue
    }

    /// Returns the keys of the fields whose names `isSent` accepts.
    func keys<Key: CodingKey>(where isSent: (_ name: String) -> Bool) -> [Key] {
        all.filter { isSent($0.name) }.compactMap { Key(stringValue: $0.key) }
    }

    private static func problem(of type: any InputFields.Type, _ fields: [any FieldDefinition]) -> String? {
        for field in fields {
            if let problem = field.problem { return "\(type).\(field.key): \(problem)" }
        }
        var names: Set<String> = []
        for field in fields where !names.insert(field.name).inserted {
            return "\(type): two fields are called \"\(field.name)\""
        }
        let keys = Set(fields.map(\.key))
        let asked = ProbeDecoder.keys(of: type)
        if let other = asked.sorted().first(where: { !keys.contains($0) }) {
            return
                "\(type): \"\(other)\" is decoded and is not a @Field: declare every property with @Field, and"
                + " instead of CodingKeys write @Field(name:)"
        }
        if let other = keys.sorted().first(where: { !asked.contains($0) }) {
            return "\(type).\(other) is never decoded: remove CodingKeys and init(from:)"
        }
        return nil
    }
}

/// A `@Field` of any type, found in a prototype.
private protocol DeclaredField {
    func definition(key: String) -> any FieldDefinition
}

extension Field: DeclaredField {
    fileprivate func definition(key: String) -> any FieldDefinition {
        guard case .declared(let declaration) = state else {
            // Set in `init()`: a default like any other.
            return FieldSpecification(key: key, FieldDeclaration(fallback: wrappedValue))
        }
        return FieldSpecification(key: key, declaration)
    }
}

/// The definition of a ``Field``, the same for all requests: one for each property of an ``InputFields`` type.
protocol FieldDefinition: AnyObject, Sendable {
    /// The property's name.
    var key: String { get }
    /// The name that clients write: that of the declaration if it gives one, otherwise the property's.
    var name: String { get }
    /// Whether the declaration gives the name. The API's description then shows it unchanged for a header field.
    var isNameGiven: Bool { get }
    var rules: FieldRules { get }
    /// The declared default; nil for a required field, and for an optional one.
    var defaultValue: (any Encodable & Sendable)? { get }
    var isRequired: Bool { get }
    var summary: String? { get }
    /// The reason why no value can be decoded; nil if there is none.
    var problem: String? { get }
    static var valueType: any Decodable.Type { get }
}

extension FieldDefinitions {
    /// Returns the reason why values of a type cannot be decoded: a mistake in the type, or in the type of one of its fields.
    static func problem(of type: Any.Type) -> String? {
        var seen: Set<ObjectIdentifier> = []
        return problem(of: type, &seen)
    }

    /// Whether a type stores what it decodes without reading it: one with fields, an array, a dictionary, an optional.
    static func onlyHolds(_ type: Any.Type) -> Bool {
        // A set compares its members, which may run their own code.
        type is any HoldingType.Type && !(type is any SetType.Type) || resolve(type) != nil
    }

    private static func problem(of type: Any.Type, _ seen: inout Set<ObjectIdentifier>) -> String? {
        guard seen.insert(ObjectIdentifier(type)).inserted else { return nil }
        if let holder = type as? any HoldingType.Type { return problem(of: holder.held, &seen) }
        guard let definitions = resolve(type) else { return nil }
        if let problem = definitions.problem { return problem }
        for field in definitions.all {
            if let problem = problem(of: Swift.type(of: field).valueType, &seen) { return problem }
        }
        return nil
    }
}

/// A type whose values hold values of another one.
private protocol HoldingType {
    static var held: Any.Type { get }
}

extension Optional: HoldingType {
    fileprivate static var held: Any.Type { Wrapped.self }
}

extension Array: HoldingType {
    fileprivate static var held: Any.Type { Element.self }
}

extension NestedKeys: HoldingType {
    fileprivate static var held: Any.Type { Value.self }
}

private protocol SetType {}

extension Set: SetType {}

extension Set: HoldingType {
    fileprivate static var held: Any.Type { Element.self }
}

extension Dictionary: HoldingType {
    fileprivate static var held: Any.Type { Value.self }
}

/// The rules of a ``Field`` for its value, besides its type, in JSON Schema's terms (draft 2020-12, validation).
struct FieldRules: Hashable, Sendable {
    var minimum: Double?
    var maximum: Double?
    var exclusiveMinimum: Double?
    var exclusiveMaximum: Double?
    /// In Unicode scalars, as for JSON Schema.
    var minimumLength: Int?
    var maximumLength: Int?
    var minimumCount: Int?
    var maximumCount: Int?
    /// A regular expression that matches somewhere in the text.
    var pattern: String?
}

/// A decoder without values, which records the keys that a type decodes.
final class ProbeDecoder: Decoder {
    private final class Notes {
        var keys: Set<String> = []
    }

    private let notes: Notes
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    private init(_ notes: Notes) { self.notes = notes }

    static func keys(of type: any InputFields.Type) -> Set<String> {
        let notes = Notes()
        // An error comes from a property that is not a field, whose key is recorded.
        _ = try? type.init(from: ProbeDecoder(notes))
        return notes.keys
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Container<Key>(decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw error }
    func singleValueContainer() throws -> any SingleValueDecodingContainer { throw error }

    private var error: DecodingError {
        .dataCorrupted(.init(codingPath: [], debugDescription: "a prototype has no values"))
    }

    private struct Container<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let decoder: ProbeDecoder
        var codingPath: [any CodingKey] { [] }
        var allKeys: [Key] { [] }

        func contains(_ key: Key) -> Bool {
            decoder.notes.keys.insert(key.stringValue)
            return false
        }

        func decodeNil(forKey key: Key) throws -> Bool { !contains(key) }

        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
            _ = contains(key)
            return try Value(from: decoder)
        }

        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) throws -> KeyedDecodingContainer<Nested> {
            _ = contains(key)
            return try decoder.container(keyedBy: type)
        }

        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
            _ = contains(key)
            return try decoder.unkeyedContainer()
        }

        func superDecoder() throws -> any Decoder { decoder }
        func superDecoder(forKey key: Key) throws -> any Decoder { decoder }
    }
}
