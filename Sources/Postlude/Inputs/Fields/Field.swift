/// A property whose value clients send, with the rules for the value and its default.
///
/// The value may be absent if the property is optional or has a default. A range bounds a number or date by its value, a text
/// by its length in Unicode scalars, and a collection by its count:
///
/// ```swift
/// struct Order: InputFields {
///     @Field(1...10) var items: [Item]
///     @Field(greaterThan: 0, lessThan: 1) var discount: Double?
///     @Field(name: "ship-to", summary: "Where it goes") var shipTo: Address
///     @Field(3...20, matching: "^[a-z]+$") var coupon: String?
///     @Field(check: { $0.isMultiple(of: 2) ? nil : "Input should be even" }) var boxes = 2
/// }
/// ```
///
/// - `name`: the name that clients write instead of the property's.
/// - `greaterThan`, `lessThan`: exclusive bounds.
/// - `matching`: a regular expression of PCRE2 that must match somewhere in the text; one that takes more than 100,000
///   steps does not match.
/// - `summary`: a description of the property, for that of the API.
/// - `check`: a custom rule, which returns a message for the client if the value is invalid, and nil otherwise. It is called
///   if the value satisfies the other rules, and never for a default.
///
/// See ``InputFields``.
@propertyWrapper
public struct Field<Value: Decodable & Sendable>: Sendable {
    @usableFromInline
    enum State: Sendable {
        case declared(FieldDeclaration<Value>)
        case value(Value)
        /// The client's value was invalid. The error is reported, and the handler is not called.
        case refused
    }

    @usableFromInline var state: State

    @inlinable
    init(state: State) { self.state = state }

    // Here because Swift finds no such initializer in an extension for a property without arguments.
    /// A property without rules or default: `@Field var name: String`.
    @inlinable
    public init() { state = .declared(FieldDeclaration()) }

    /// The client's value or the default. In a struct made by `init()`, a property without a default must be set before it is
    /// read.
    public var wrappedValue: Value {
        get {
            switch state {
            case .value(let value): return value
            case .declared(let declaration):
                guard let value = declaration.absent else {
                    preconditionFailure("a required @Field was read before it was decoded or set")
                }
                return value
            case .refused: preconditionFailure("a @Field was read while its struct was being decoded")
            }
        }
        set { state = .value(newValue) }
    }
}

extension Field: Decodable {
    /// Decodes the value without any check, for decoders other than Postlude's.
    public init(from decoder: any Decoder) throws { state = .value(try Value(from: decoder)) }
}

extension Field: Encodable where Value: Encodable {
    public func encode(to encoder: any Encoder) throws {
        // The container encodes the value, since it determines how dates and UUIDs are written; `wrappedValue.encode(to:)`
        // would not.
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue)
    }
}

extension Field: Equatable where Value: Equatable {
    public static func == (one: Field, other: Field) -> Bool { one.known == other.known }
}

extension Field: Hashable where Value: Hashable {
    public func hash(into hasher: inout Hasher) { hasher.combine(known) }
}

extension Field {
    /// The client's value or the default, if there is one.
    private var known: Value? {
        switch state {
        case .value(let value): value
        case .declared(let declaration): declaration.absent
        case .refused: nil
        }
    }
}

// The forms of a declaration, each with a default and without. The wrapper's documentation explains the arguments.

extension Field {
    /// A custom rule: returns a message for an invalid value, and nil for a valid one.
    public typealias Check = @Sendable (Value) -> String?

    @inlinable
    init(
        _ fallback: Value? = nil, _ name: String?, _ summary: String?, _ check: Check?,
        bounds: FieldBounds = FieldBounds(), pattern: String? = nil
    ) {
        state = .declared(
            FieldDeclaration(
                name: name, summary: summary, bounds: bounds, pattern: pattern, check: check,
                fallback: fallback))
    }

    // MARK: Any type

    /// A property of any type.
    @inlinable
    public init(name: String? = nil, summary: String? = nil, check: Check? = nil) {
        self.init(nil, name, summary, check)
    }

    /// A property of any type, with a default.
    @inlinable
    public init(wrappedValue: Value, name: String? = nil, summary: String? = nil, check: Check? = nil) {
        self.init(wrappedValue, name, summary, check)
    }
}

extension Field where Value: Boundable {
    // MARK: Bounds

    /// A property within a range.
    @inlinable
    public init<Range: FieldRange<Value.Bound>>(
        _ range: Range, name: String? = nil, greaterThan: Value.Bound? = nil, lessThan: Value.Bound? = nil,
        summary: String? = nil, check: Check? = nil
    ) {
        self.init(
            nil, name, summary, check,
            bounds: FieldBounds(greaterThan: greaterThan, lessThan: lessThan).or(range.fieldBounds))
    }

    /// A property within a range, with a default.
    @inlinable
    public init<Range: FieldRange<Value.Bound>>(
        wrappedValue: Value, _ range: Range, name: String? = nil, greaterThan: Value.Bound? = nil,
        lessThan: Value.Bound? = nil, summary: String? = nil, check: Check? = nil
    ) {
        self.init(
            wrappedValue, name, summary, check,
            bounds: FieldBounds(greaterThan: greaterThan, lessThan: lessThan).or(range.fieldBounds))
    }

    /// A property with exclusive bounds.
    @inlinable @_disfavoredOverload
    public init(
        name: String? = nil, greaterThan: Value.Bound? = nil, lessThan: Value.Bound? = nil,
        summary: String? = nil, check: Check? = nil
    ) {
        self.init(
            nil, name, summary, check, bounds: FieldBounds(greaterThan: greaterThan, lessThan: lessThan))
    }

    /// A property with exclusive bounds and a default.
    @inlinable @_disfavoredOverload
    public init(
        wrappedValue: Value, name: String? = nil, greaterThan: Value.Bound? = nil,
        lessThan: Value.Bound? = nil, summary: String? = nil, check: Check? = nil
    ) {
        self.init(
            wrappedValue, name, summary, check,
            bounds: FieldBounds(greaterThan: greaterThan, lessThan: lessThan))
    }
}

extension Field where Value: Matchable {
    // MARK: Patterns

    /// A property that a pattern matches.
    @inlinable
    public init(
        name: String? = nil, matching pattern: String, summary: String? = nil, check: Check? = nil
    ) {
        self.init(nil, name, summary, check, pattern: pattern)
    }

    /// A property that a pattern matches, with a default.
    @inlinable
    public init(
        wrappedValue: Value, name: String? = nil, matching pattern: String, summary: String? = nil,
        check: Check? = nil
    ) {
        self.init(wrappedValue, name, summary, check, pattern: pattern)
    }

    /// A property within a range and matched by a pattern.
    @inlinable
    public init<Range: FieldRange<Value.Bound>>(
        _ range: Range, name: String? = nil, matching pattern: String, summary: String? = nil,
        check: Check? = nil
    ) {
        self.init(nil, name, summary, check, bounds: range.fieldBounds, pattern: pattern)
    }

    /// A property within a range and matched by a pattern, with a default.
    @inlinable
    public init<Range: FieldRange<Value.Bound>>(
        wrappedValue: Value, _ range: Range, name: String? = nil, matching pattern: String,
        summary: String? = nil, check: Check? = nil
    ) {
        self.init(wrappedValue, name, summary, check, bounds: range.fieldBounds, pattern: pattern)
    }
}

/// The arguments of a `@Field`, stored without any allocation: one is made for every decoded value.
@usableFromInline
struct FieldDeclaration<Value: Decodable & Sendable>: Sendable {
    @usableFromInline var name: String?
    @usableFromInline var summary: String?
    @usableFromInline var bounds = FieldBounds()
    @usableFromInline var pattern: String?
    @usableFromInline var check: (@Sendable (Value) -> String?)?
    /// The declared default; nil if there is none.
    @usableFromInline var fallback: Value?

    // Inlined if the value's type is known, as the initializers of `Field` are: they run for every decoded value.
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

    /// The value if the client sends none: the declared default, or nil for an optional. No value for a required field.
    var absent: Value? {
        fallback ?? NullValue.absent(Value.self)
    }
}

extension KeyedDecodingContainer {
    /// Decodes a ``Field``, even if its key is absent. Its errors are reported when the whole struct has been decoded.
    @inlinable
    public func decode<Value>(_ type: Field<Value>.Type, forKey key: Key) throws -> Field<Value> {
        Field(state: try decode(DecodedField<Value>.self, forKey: key).state)
    }
}

/// A field's state as a type that containers can decode.
@usableFromInline
struct DecodedField<Value: Decodable & Sendable>: Decodable {
    @usableFromInline let state: Field<Value>.State

    @usableFromInline
    init(from decoder: any Decoder) throws {
        state =
            switch decoder {
            case let decoder as InputDecoder: try decoder.decodeField(Value.self)
            case is ProbeDecoder: .refused
            default: .value(try Value(from: decoder))
            }
    }
}
