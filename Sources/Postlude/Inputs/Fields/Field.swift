/// A property that clients fill: what its value must be, and what it is where they leave it out.
///
/// Its type says what it is and whether it may be absent (an optional, or one with a default). A range bounds a number
/// or date by its value, a text by its length in Unicode scalars, and a collection by its count:
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
/// - `name`: what clients write instead of the property's name.
/// - `greaterThan`, `lessThan`: bounds that are not allowed themselves.
/// - `matching`: a regular expression of PCRE2 that must match somewhere in the text; one that takes more than 100,000
///   steps does not match.
/// - `summary`: what it is, for the API's description.
/// - `check`: a rule of one's own; returns what is wrong with the value, for the client to read, or nil. Called when
///   the value keeps the other rules, and never for a default.
///
/// See ``InputFields``.
@propertyWrapper
public struct Field<Value: Decodable & Sendable>: Sendable {
    @usableFromInline
    enum State: Sendable {
        case declared(FieldDeclaration<Value>)
        case value(Value)
        /// The client's value was wrong, which is reported; the handler is not called.
        case refused
    }

    @usableFromInline var state: State

    @inlinable
    init(state: State) { self.state = state }

    // Here because Swift finds no such initializer in an extension for a property without arguments.
    /// A property of which only the type is known: `@Field var name: String`.
    @inlinable
    public init() { state = .declared(FieldDeclaration()) }

    /// The client's value or the default. A value made by `init()` has none if there is no default: it may be set,
    /// but not be read.
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
    /// For other decoders than Postlude's: the value, without any check.
    public init(from decoder: any Decoder) throws { state = .value(try Value(from: decoder)) }
}

extension Field: Encodable where Value: Encodable {
    public func encode(to encoder: any Encoder) throws {
        // Not the value's own way: the container knows how dates and UUIDs are written.
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
    /// The value if there is one.
    private var known: Value? {
        switch state {
        case .value(let value): value
        case .declared(let declaration): declaration.absent
        case .refused: nil
        }
    }
}
