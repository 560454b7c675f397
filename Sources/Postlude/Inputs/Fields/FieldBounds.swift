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

    /// Why they let nothing through.
    var problem: String? {
        guard let lower, let upper, lower.number > upper.number else { return nil }
        return "no value is between \(lower.number.text) and \(upper.number.text)"
    }

    /// These, and where these say nothing, the others.
    @inlinable
    func or(_ other: FieldBounds) -> FieldBounds {
        FieldBounds(lower: lower ?? other.lower, upper: upper ?? other.upper)
    }
}

/// A range that bounds a ``Field``: `1...50`, `0..<10`, `1...`, `...50` or `..<50`.
public protocol FieldRange<Bound> {
    /// What the range is of.
    associatedtype Bound
    /// The range's ends.
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
