public import FoundationEssentials

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
/// collections by their count. An application's own types can be others.
public protocol Boundable: SendableMetatype {
    /// What the bounds are: the type itself, or `Int` for a length or a count.
    associatedtype Bound: FieldLimit

    /// What the bounds limit.
    static var measure: FieldMeasure { get }

    /// What is compared with the bounds, in their kind of number; nil if there is nothing to compare, as for an
    /// optional without a value.
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
    /// nil if there is nothing to match.
    var matched: String? { get }
}

extension String: Matchable {
    public var matched: String? { self }
}

extension Optional: Matchable where Wrapped: Matchable {
    public var matched: String? { self?.matched }
}
