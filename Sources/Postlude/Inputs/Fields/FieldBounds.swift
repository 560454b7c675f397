/// The bounds of a ``Field``'s value, length or count.
public struct FieldBounds: Hashable, Sendable {
    @usableFromInline
    struct Limit: Hashable, Sendable {
        @usableFromInline var number: FieldNumber
        @usableFromInline var isExclusive: Bool

        @inlinable
        init(number: FieldNumber, isExclusive: Bool = false) {
            self.number = number
            self.isExclusive = isExclusive
        }
    }

    @usableFromInline var lower: Limit?
    @usableFromInline var upper: Limit?

    @inlinable
    init(lower: Limit? = nil, upper: Limit? = nil) {
        self.lower = lower
        self.upper = upper
    }

    @inlinable
    init<Value: FieldLimit>(greaterThan lower: Value?, lessThan upper: Value?) {
        self.lower = lower.map { Limit(number: $0.fieldNumber, isExclusive: true) }
        self.upper = upper.map { Limit(number: $0.fieldNumber, isExclusive: true) }
    }

    /// The reason why no value satisfies the bounds; nil if there is none.
    var problem: String? {
        guard let lower, let upper, lower.number > upper.number else { return nil }
        return "no value is between \(lower.number.text) and \(upper.number.text)"
    }

    /// Returns these bounds, with those of `other` for missing ones.
    @inlinable
    func or(_ other: FieldBounds) -> FieldBounds {
        FieldBounds(lower: lower ?? other.lower, upper: upper ?? other.upper)
    }
}

/// A range that bounds a ``Field``: `1...50`, `0..<10`, `1...`, `...50` or `..<50`.
public protocol FieldRange<Bound> {
    /// The type of the range's ends.
    associatedtype Bound
    /// The range as bounds.
    var fieldBounds: FieldBounds { get }
}

extension ClosedRange: FieldRange where Bound: FieldLimit {
    @inlinable
    public var fieldBounds: FieldBounds {
        FieldBounds(
            lower: .init(number: lowerBound.fieldNumber), upper: .init(number: upperBound.fieldNumber))
    }
}

extension Range: FieldRange where Bound: FieldLimit {
    @inlinable
    public var fieldBounds: FieldBounds {
        FieldBounds(
            lower: .init(number: lowerBound.fieldNumber),
            upper: .init(number: upperBound.fieldNumber, isExclusive: true))
    }
}

extension PartialRangeFrom: FieldRange where Bound: FieldLimit {
    @inlinable
    public var fieldBounds: FieldBounds { FieldBounds(lower: .init(number: lowerBound.fieldNumber)) }
}

extension PartialRangeThrough: FieldRange where Bound: FieldLimit {
    @inlinable
    public var fieldBounds: FieldBounds { FieldBounds(upper: .init(number: upperBound.fieldNumber)) }
}

extension PartialRangeUpTo: FieldRange where Bound: FieldLimit {
    @inlinable
    public var fieldBounds: FieldBounds {
        FieldBounds(upper: .init(number: upperBound.fieldNumber, isExclusive: true))
    }
}

extension FieldBounds {
    /// Returns the rule for the bound that a value, length or count violates, with pydantic's message; nil for none.
    func violation(by number: FieldNumber, of measure: FieldMeasure) -> InputRule? {
        if let upper, upper.isExclusive ? !(number < upper.number) : number > upper.number {
            return rule(number, upper, isUpper: true, measure)
        }
        if let lower, lower.isExclusive ? !(number > lower.number) : number < lower.number {
            return rule(number, lower, isUpper: false, measure)
        }
        return nil
    }

    private func rule(
        _ number: FieldNumber, _ limit: Limit, isUpper: Bool, _ measure: FieldMeasure
    ) -> InputRule {
        guard measure != .value else { return Self.valueRule(limit, isUpper: isUpper) }
        var bound = limit.number
        // Lengths and counts have inclusive bounds only: less than 10 is at most 9.
        if limit.isExclusive, case .integer(let value) = bound {
            bound = .integer(value &+ (isUpper ? -1 : 1))
        }
        let most = isUpper ? "at most" : "at least"
        let key = isUpper ? "max_length" : "min_length"
        if measure == .length {
            let noun = bound == .integer(1) ? "character" : "characters"
            return InputRule(
                message: "String should have \(most) \(bound.text) \(noun)",
                type: isUpper ? "string_too_long" : "string_too_short", context: [key: bound.json])
        }
        let noun = bound == .integer(1) ? "item" : "items"
        let kind =
            switch measure {
            case .setCount: "Set"
            case .dictionaryCount: "Dictionary"
            default: "List"
            }
        return InputRule(
            message: "\(kind) should have \(most) \(bound.text) \(noun) after validation, not \(number.text)",
            type: isUpper ? "too_long" : "too_short",
            context: ["field_type": .string(kind), key: bound.json, "actual_length": number.json])
    }

    private static func valueRule(_ limit: Limit, isUpper: Bool) -> InputRule {
        let (words, type, key) =
            switch (isUpper, limit.isExclusive) {
            case (true, true): ("less than", "less_than", "lt")
            case (true, false): ("less than or equal to", "less_than_equal", "le")
            case (false, true): ("greater than", "greater_than", "gt")
            case (false, false): ("greater than or equal to", "greater_than_equal", "ge")
            }
        return InputRule(
            message: "Input should be \(words) \(limit.number.text)", type: type,
            context: [key: limit.number.json])
    }
}
