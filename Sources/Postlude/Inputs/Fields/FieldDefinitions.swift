internal import PostludeSystem

/// The fields of an ``InputFields`` type, read from its prototype when they are first asked for.
final class FieldDefinitions: Sendable {
    /// In the order of declaration.
    let all: [any FieldDefinition]
    /// Why no value of the type can be decoded; nil for a sound type.
    let problem: String?

    private static let known = Lock<[ObjectIdentifier: FieldDefinitions?]>([:])

    /// The fields of a type; nil for a type that has none.
    static func of(_ type: Any.Type) -> [any FieldDefinition]? { resolve(type)?.all }

    /// - Returns: nil for a type that is no ``InputFields``.
    static func resolve(_ type: Any.Type) -> FieldDefinitions? {
        let id = ObjectIdentifier(type)
        if let found = known.withLock({ $0[id] }) { return found }
        // Outside of the lock, since prototypes are the application's code: at worst it is made twice.
        let definitions = (type as? any InputFields.Type).map { FieldDefinitions(of: $0) }
        known.withLock { $0[id] = .some(definitions) }
        return definitions
    }

    private init(of type: any InputFields.Type) {
        var fields: [any FieldDefinition] = []
        for child in Mirror(reflecting: type.init()).children {
            guard let label = child.label, let field = child.value as? any DeclaredField else { continue }
            // A wrapper's storage is called as the property, after an underscore.
            fields.append(field.definition(key: String(label.dropFirst())))
        }
        all = fields
        problem = Self.problem(of: type, fields)
    }

    func first(key: String) -> (any FieldDefinition)? { all.first { $0.key == key } }

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

/// What is known of a ``Field`` before any request: one for each property of an ``InputFields`` type.
protocol FieldDefinition: AnyObject, Sendable {
    /// The property's name.
    var key: String { get }
    /// The name that clients write, where the declaration gives one; else the property's name.
    var name: String { get }
    /// Whether `name` was given, and stands in a header or in the environment as it is.
    var isNameGiven: Bool { get }
    var rules: FieldRules { get }
    /// What it is where clients leave it out; nil for a required field, and for an optional one.
    var defaultValue: (any Encodable & Sendable)? { get }
    var isRequired: Bool { get }
    var summary: String? { get }
    /// Why no value can ever be decoded.
    var problem: String? { get }
    static var valueType: any Decodable.Type { get }
}

extension FieldDefinitions {
    /// What keeps values of a type from being decoded: its own mistakes, and those of the fields that it holds.
    static func problem(of type: Any.Type) -> String? {
        var seen: Set<ObjectIdentifier> = []
        return problem(of: type, &seen)
    }

    /// Whether a type keeps what it decodes without looking at it: one with fields, a list, a dictionary, an optional.
    static func onlyHolds(_ type: Any.Type) -> Bool {
        // A set compares its members, and may do so by code of theirs.
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

private protocol SetType {}

extension Set: SetType {}

extension Set: HoldingType {
    fileprivate static var held: Any.Type { Element.self }
}

extension Dictionary: HoldingType {
    fileprivate static var held: Any.Type { Value.self }
}

/// What a ``Field`` asks of its value beside its type, in JSON Schema's terms (draft 2020-12, validation).
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

/// A decoder that holds nothing and notes which keys a type asks it for.
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
        // An error is of a property that is not a field: its key is noted.
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
