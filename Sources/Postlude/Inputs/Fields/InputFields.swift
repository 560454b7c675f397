/// A type of input whose properties each have a ``Field``, which defines the values that clients may send.
///
/// ```swift
/// struct Search: InputFields {
///     @Field(1...50) var q: String                      // 1 to 50 characters
///     @Field(1...100) var limit = 20                    // 20 if it is left out
///     @Field var tags: [String] = []                    // ?tags=a&tags=b
///     @Field(matching: "^[a-z-]+$") var slug: String?
///     @Field(name: "item_id", greaterThan: 0) var itemID: Int
/// }
///
/// func search(query: Query<Search>) -> [Result] { … }
/// ```
///
/// All errors in the values are reported in one answer (422), and the handler is not called.
///
/// It works in ``Query``, ``Path``, ``Header``, ``Cookies``, ``Form``, ``JSONBody`` and ``ProcessEnvironment``. In a
/// ``JSONBody``, such types and arrays of them may be nested. Every stored property is a `@Field`, and the type has neither
/// `CodingKeys` nor an `init(from:)` of its own: otherwise, a program with a handler for it does not start. `init()` need not
/// be written, except in a public type.
///
/// Other decoders, such as Foundation's, read the values and check nothing.
public protocol InputFields: Decodable, Sendable {
    /// Makes the type's prototype, from which the declarations are read.
    init()
}

extension InputFields {
    /// Makes a value in code, for instance in tests. Properties that are not set have their defaults. No rule is checked.
    ///
    /// ```swift
    /// struct Room: InputFields {
    ///     @Field(1...50) var name: String
    ///     @Field(1...20) var seats: Int
    ///     @Field var isOpen = true
    /// }
    ///
    /// let room = Room {
    ///     $0.name = "Blue"
    ///     $0.seats = 8
    /// }
    /// ```
    ///
    /// The initialiser that Swift makes of the properties takes a `Field` for each property without a default, and for each
    /// with an argument (SE-0258, "Memberwise initializers").
    ///
    /// - Parameter fill: sets the properties, at least the required ones. Reading a required property that was not set traps.
    public init(_ fill: (inout Self) throws -> Void) rethrows {
        self.init()
        try fill(&self)
    }
}
