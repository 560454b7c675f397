// Protocols for the standard library's generic types, for use without their type parameters.

protocol SchemaOptional {
    static var wrappedType: any Any.Type { get }
}

extension Optional: SchemaOptional {
    static var wrappedType: any Any.Type { Wrapped.self }
}

protocol SchemaList {
    static var elementType: any Any.Type { get }
    static var empty: Any { get }
}

extension Array: SchemaList {
    static var elementType: any Any.Type { Element.self }
    static var empty: Any { Self() }
}

extension Set: SchemaList {
    static var elementType: any Any.Type { Element.self }
    static var empty: Any { Self() }
}

protocol SchemaDictionary {
    /// Whether the container is an object in JSON; a dictionary with other keys is an array of alternating keys and values.
    static var isObject: Bool { get }
    static var valueType: any Any.Type { get }
    static var empty: Any { get }
}

extension Dictionary: SchemaDictionary {
    static var isObject: Bool {
        Key.self == String.self || Key.self == Int.self || Key.self is any CodingKeyRepresentable.Type
    }
    static var valueType: any Any.Type { Value.self }
    static var empty: Any { Self() }
}
