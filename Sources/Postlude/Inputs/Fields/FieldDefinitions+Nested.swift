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
