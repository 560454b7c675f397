// The forms of a declaration, each with a default and without. The wrapper's documentation explains the arguments.

extension Field {
    /// A rule of one's own: says what is wrong with a value; nil for a good one.
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

    /// A property with bounds that are not allowed themselves.
    @inlinable @_disfavoredOverload
    public init(
        name: String? = nil, greaterThan: Value.Bound? = nil, lessThan: Value.Bound? = nil,
        summary: String? = nil, check: Check? = nil
    ) {
        self.init(
            nil, name, summary, check, bounds: FieldBounds(greaterThan: greaterThan, lessThan: lessThan))
    }

    /// A property with bounds that are not allowed themselves, with a default.
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
