// Initialisers for mistakes with fields. The compiler chooses one if no other fits, and shows its message.

extension Field {
    /// Tells what has bounds.
    @available(
        *, unavailable,
        message: """
            a range bounds a number, a date, the length of a text or the count of a collection; for a property of another type \
            write check:
            """
    )
    @_disfavoredOverload
    public init<Range>(_ range: Range, name: String? = nil, summary: String? = nil, check: Check? = nil) {
        fatalError("unavailable")
    }

    /// Tells what has bounds.
    @available(
        *, unavailable,
        message: """
            a range bounds a number, a date, the length of a text or the count of a collection; for a property of another type \
            write check:
            """
    )
    @_disfavoredOverload
    public init<Range>(
        wrappedValue: Value, _ range: Range, name: String? = nil, summary: String? = nil, check: Check? = nil
    ) {
        fatalError("unavailable")
    }

    /// Tells what a pattern can match.
    @available(
        *, unavailable,
        message: "a pattern matches a text; for a property of another type write a range or check:"
    )
    @_disfavoredOverload
    public init(
        name: String? = nil, matching pattern: String, summary: String? = nil, check: Check? = nil
    ) {
        fatalError("unavailable")
    }
}

/// Tells how a value with fields is made in code.
@available(
    *, unavailable,
    message: "set the properties of an InputFields type in a closure: Room { $0.name = \"Blue\" }"
)
extension Field: ExpressibleByUnicodeScalarLiteral, ExpressibleByExtendedGraphemeClusterLiteral,
    ExpressibleByStringLiteral
where Value: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) { fatalError("unavailable") }
}

/// Tells how a value with fields is made in code.
@available(
    *, unavailable, message: "set the properties of an InputFields type in a closure: Room { $0.seats = 8 }"
)
extension Field: ExpressibleByIntegerLiteral where Value: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: Int) { fatalError("unavailable") }
}
