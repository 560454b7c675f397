public import FoundationEssentials
internal import PostludeDates

/// A bound of a ``Field``, or what is compared with it.
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

    /// nil for a date, which JSON Schema has no bounds for.
    var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .decimal(let value): Double("\(value)")
        case .date, .localDate, .localDateTime: nil
        }
    }

    /// As the client reads it.
    var json: JSONValue {
        switch self {
        case .integer(let value): .integer(value)
        case .number(let value): Int(exactly: value).map(JSONValue.integer) ?? .number(value)
        case .decimal(let value):
            Int("\(value)").map(JSONValue.integer) ?? double.map(JSONValue.number) ?? .null
        case .date, .localDate, .localDateTime: .string(text)
        }
    }

    /// As the client reads it in a sentence.
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

/// A type that the bounds of a ``Field`` are written in.
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
