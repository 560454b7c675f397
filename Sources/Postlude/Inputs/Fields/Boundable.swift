public import FoundationEssentials
internal import PostludeDates

/// What the bounds of a ``Field`` limit.
public enum FieldMeasure: Sendable {
    /// The value itself.
    case value
    /// The number of Unicode scalars of a text.
    case length
    /// The number of elements of an array.
    case listCount
    /// The number of elements of a set.
    case setCount
    /// The number of members of a dictionary.
    case dictionaryCount
}

/// A type whose values the bounds of a ``Field`` can limit: numbers and dates by their value, texts by their length,
/// collections by their count. An application's own types can conform, too.
public protocol Boundable: SendableMetatype {
    /// The type of the bounds: the type itself, or `Int` for a length or a count.
    associatedtype Bound: FieldLimit

    /// What the bounds limit.
    static var measure: FieldMeasure { get }

    /// The number that is compared with the bounds; nil if there is none, as for an optional without a value.
    var measured: FieldNumber? { get }
}

extension Boundable where Self: FieldLimit, Bound == Self {
    /// The value itself.
    public static var measure: FieldMeasure { .value }
    /// The value itself.
    public var measured: FieldNumber? { fieldNumber }
}

extension Int: Boundable { public typealias Bound = Self }
extension Int8: Boundable { public typealias Bound = Self }
extension Int16: Boundable { public typealias Bound = Self }
extension Int32: Boundable { public typealias Bound = Self }
extension Int64: Boundable { public typealias Bound = Self }
extension UInt: Boundable { public typealias Bound = Self }
extension UInt8: Boundable { public typealias Bound = Self }
extension UInt16: Boundable { public typealias Bound = Self }
extension UInt32: Boundable { public typealias Bound = Self }
extension UInt64: Boundable { public typealias Bound = Self }
extension Double: Boundable { public typealias Bound = Self }
extension Float: Boundable { public typealias Bound = Self }
extension Decimal: Boundable { public typealias Bound = Self }
extension Date: Boundable { public typealias Bound = Self }

extension String: Boundable {
    public typealias Bound = Int
    public static var measure: FieldMeasure { .length }
    public var measured: FieldNumber? { .integer(unicodeScalars.count) }
}

extension Array: Boundable {
    public typealias Bound = Int
    public static var measure: FieldMeasure { .listCount }
    public var measured: FieldNumber? { .integer(count) }
}

extension Set: Boundable {
    public typealias Bound = Int
    public static var measure: FieldMeasure { .setCount }
    public var measured: FieldNumber? { .integer(count) }
}

extension Dictionary: Boundable {
    public typealias Bound = Int
    public static var measure: FieldMeasure { .dictionaryCount }
    public var measured: FieldNumber? { .integer(count) }
}

extension Optional: Boundable where Wrapped: Boundable {
    public typealias Bound = Wrapped.Bound
    public static var measure: FieldMeasure { Wrapped.measure }
    public var measured: FieldNumber? { self?.measured }
}

/// A text that a ``Field`` can match with a pattern: `String` and `String?`.
public protocol Matchable: Boundable {
    /// The text that is matched; nil if there is none.
    var matched: String? { get }
}

extension String: Matchable {
    public var matched: String? { self }
}

extension Optional: Matchable where Wrapped: Matchable {
    public var matched: String? { self?.matched }
}

/// A bound of a ``Field``, or a number that is compared with it.
public enum FieldNumber: Hashable, Sendable {
    /// An integer, or a count.
    case integer(Int)
    /// A floating-point number.
    case number(Double)
    /// A decimal number.
    case decimal(Decimal)
    /// A point in time.
    case date(Date)
    /// A day.
    case localDate(LocalDate)
    /// A local time.
    case localDateTime(LocalDateTime)

    /// The number as a `Double`; nil for a date, for which JSON Schema has no bounds.
    var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .decimal(let value): Double("\(value)")
        case .date, .localDate, .localDateTime: nil
        }
    }

    /// The number as JSON, for the client.
    var json: JSONValue {
        switch self {
        case .integer(let value): .integer(value)
        case .number(let value): Int(exactly: value).map(JSONValue.integer) ?? .number(value)
        case .decimal(let value):
            Int("\(value)").map(JSONValue.integer) ?? double.map(JSONValue.number) ?? .null
        case .date, .localDate, .localDateTime: .string(text)
        }
    }

    /// The number as text, for a message to the client.
    var text: String {
        switch self {
        case .integer(let value): "\(value)"
        case .number(let value): Int(exactly: value).map { "\($0)" } ?? "\(value)"
        case .decimal(let value): "\(value)"
        case .date(let value): DateText.text(value) ?? "\(value)"
        case .localDate(let value): "\(value)"
        case .localDateTime(let value): "\(value)"
        }
    }
}

extension FieldNumber: Comparable {
    public static func < (one: FieldNumber, other: FieldNumber) -> Bool {
        switch (one, other) {
        case (.integer(let one), .integer(let other)): one < other
        case (.number(let one), .number(let other)): one < other
        case (.decimal(let one), .decimal(let other)): one < other
        case (.date(let one), .date(let other)): one < other
        case (.localDate(let one), .localDate(let other)): one < other
        case (.localDateTime(let one), .localDateTime(let other)): one < other
        default: (one.double ?? .nan) < (other.double ?? .nan)
        }
    }
}

/// A type in which the bounds of a ``Field`` are written.
public protocol FieldLimit: Comparable, Sendable {
    /// The value, for comparison.
    var fieldNumber: FieldNumber { get }
}

extension FieldLimit where Self: FixedWidthInteger {
    /// The value as an integer.
    @inlinable
    public var fieldNumber: FieldNumber {
        Int(exactly: self).map(FieldNumber.integer) ?? .number(Double(self))
    }
}

extension Int: FieldLimit {}
extension Int8: FieldLimit {}
extension Int16: FieldLimit {}
extension Int32: FieldLimit {}
extension Int64: FieldLimit {}
extension UInt: FieldLimit {}
extension UInt8: FieldLimit {}
extension UInt16: FieldLimit {}
extension UInt32: FieldLimit {}
extension UInt64: FieldLimit {}

extension Double: FieldLimit {
    @inlinable
    public var fieldNumber: FieldNumber { .number(self) }
}

extension Float: FieldLimit {
    @inlinable
    public var fieldNumber: FieldNumber { .number(Double(self)) }
}

extension Decimal: FieldLimit {
    @inlinable
    public var fieldNumber: FieldNumber { .decimal(self) }
}

extension Date: FieldLimit {
    @inlinable
    public var fieldNumber: FieldNumber { .date(self) }
}
