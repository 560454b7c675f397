/// What an optional type makes of null and of nothing, also where its values are optional themselves: in `Int??` the outer
/// nil is a member that is absent, and the inner one is null.
enum NullValue {
    /// nil as a value of an optional type; no value for another type.
    static func absent<Value>(_ type: Value.Type) -> Value? {
        guard let optional = type as? any ExpressibleByNilLiteral.Type else { return nil }
        func make<Optional: ExpressibleByNilLiteral>(_ type: Optional.Type) -> Value {
            let none: Optional = nil
            // Unsafe: Optional is Value, as which it was found; a cast would make an inner nil of an outer one.
            return unsafeBitCast(none, to: Value.self)
        }
        return make(optional)
    }

    /// What null is in an optional of optionals; no value for another type.
    static func null<Value>(_ type: Value.Type) -> Value? {
        guard let outer = type as? any OuterOptional.Type else { return nil }
        func make<Outer: OuterOptional>(_ type: Outer.Type) -> Value {
            // Unsafe for the same reason.
            unsafeBitCast(Outer.null, to: Value.self)
        }
        return make(outer)
    }
}

private protocol OuterOptional {
    static var null: Self { get }
}

extension Optional: OuterOptional where Wrapped: ExpressibleByNilLiteral {
    fileprivate static var null: Self { .some(nil) }
}
