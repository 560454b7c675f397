// The forms of a declaration, each with a default and without. The wrapper's documentation explains the arguments.

extension Field {
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

    @inlinable
    public init(name: String? = nil, summary: String? = nil, check: Check? = nil) {
        self.init(nil, name, summary, check)
    }

    @inlinable
    public init(wrappedValue: Value, name: String? = nil, summary: String? = nil, check: Check? = nil) {
        self.init(wrappedValue, name, summary, check)
    }
}

extension Field where Value: Boundable {
    // MARK: Bounds

    @inlinable
    public init<Range: FieldRange<Value.Bound>>(
        _ range: Range, name: String? = nil, greaterThan: Value.Bound? = nil, lessThan: Value.Bound? = nil,
        summary: String? = nil, check: Check? = nil
    ) {
        self.init(
            nil, name, summary, check,
            bounds: FieldBounds(greaterThan: greaterThan, lessThan: lessThan).or(range.fieldBounds))
    }

    @inlinable
    public init<Range: FieldRange<Value.Bound>>(
        wrappedValue: Value, _ range: Range, name: String? = nil, greaterThan: Value.Bound? = nil,
        lessThan: Value.Bound? = nil, summary: String? = nil, check: Check? = nil
    ) {
        self.init(
            wrappedValue, name, summary, check,
            bounds: FieldBounds(greaterThan: greaterThan, lessThan: lessThan).or(range.fieldBounds))
    }

    @inlinable @_disfavoredOverload
    public init(
        name: String? = nil, greaterThan: Value.Bound? = nil, lessThan: Value.Bound? = nil,
        summary: String? = nil, check: Check? = nil
    ) {
        self.init(
            nil, name, summary, check, bounds: FieldBounds(greaterThan: greaterThan, lessThan: lessThan))
    }

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

    @inlinable
    public init(
        name: String? = nil, matching pattern: String, summary: String? = nil, check: Check? = nil
    ) {
        self.init(nil, name, summary, check, pattern: pattern)
    }

    @inlinable
    public init(
        wrappedValue: Value, name: String? = nil, matching pattern: String, summary: String? = nil,
        check: Check? = nil
    ) {
        self.init(wrappedValue, name, summary, check, pattern: pattern)
    }

    @inlinable
    public init<Range: FieldRange<Value.Bound>>(
        _ range: Range, name: String? = nil, matching pattern: String, summary: String? = nil,
        check: Check? = nil
    ) {
        self.init(nil, name, summary, check, bounds: range.fieldBounds, pattern: pattern)
    }

    @inlinable
    public init<Range: FieldRange<Value.Bound>>(
        wrappedValue: Value, _ range: Range, name: String? = nil, matching pattern: String,
        summary: String? = nil, check: Check? = nil
    ) {
        self.init(wrappedValue, name, summary, check, bounds: range.fieldBounds, pattern: pattern)
    }
}
