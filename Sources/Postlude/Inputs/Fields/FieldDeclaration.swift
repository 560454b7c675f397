/// What a `@Field` says, kept without any allocation: every decoded value begins with it.
@usableFromInline
struct FieldDeclaration<Value: Decodable & Sendable>: Sendable {
    @usableFromInline var name: String?
    @usableFromInline var summary: String?
    @usableFromInline var bounds = FieldBounds()
    @usableFromInline var pattern: String?
    @usableFromInline var check: (@Sendable (Value) -> String?)?
    /// The value where the client sends none; nil if there is no such value.
    @usableFromInline var fallback: Value?

    // Inlined, as the declaring initialisers are, where the value's type is known: each decoded value begins with them.
    @inlinable
    init(
        name: String? = nil, summary: String? = nil, bounds: FieldBounds = FieldBounds(),
        pattern: String? = nil,
        check: (@Sendable (Value) -> String?)? = nil, fallback: Value? = nil
    ) {
        self.name = name
        self.summary = summary
        self.bounds = bounds
        self.pattern = pattern
        self.check = check
        self.fallback = fallback
    }

    /// The declared default, or nil for an optional.
    var absent: Value? {
        fallback ?? NullValue.absent(Value.self)
    }
}
