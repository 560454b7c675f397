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
                "\(type): \"\(other)\" is decoded and is no @Field: declare every property with @Field, and"
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
