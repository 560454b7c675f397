public import FoundationEssentials
internal import PostludeDates

/// A day without a time and without a time zone, such as a birthday: what `<input type="date">` sends, `2030-01-31`.
///
/// It is read and written in ISO 8601, with the proleptic Gregorian calendar of the years 0001 to 9999. When a day begins
/// depends on the time zone:
///
/// ```swift
/// func midnight(of day: LocalDate, in zone: TimeZone) -> Date? {
///     var calendar = Calendar(identifier: .gregorian)
///     calendar.timeZone = zone
///     return calendar.date(from: day.dateComponents)
/// }
/// ```
public struct LocalDate: Hashable, Sendable {
    let day: CivilDate

    init(_ day: CivilDate) { self.day = day }

    /// - Returns: nil if the calendar has no such day.
    public init?(year: Int, month: Int, day: Int) {
        guard let day = CivilDate(year: year, month: month, day: day) else { return nil }
        self.day = day
    }

    /// 1 to 9999.
    public var year: Int { day.year }
    /// 1 to 12.
    public var month: Int { day.month }
    /// The day of the month, from 1.
    public var dayOfMonth: Int { day.day }

    /// The components, for a `Calendar` with a time zone.
    public var dateComponents: DateComponents {
        DateComponents(year: day.year, month: day.month, day: day.day)
    }
}

extension LocalDate: LosslessStringConvertible {
    /// - Returns: nil if `text` is not a day such as `2030-01-31`.
    public init?(_ text: String) {
        guard let day = DateText.day(text) else { return nil }
        self.day = day
    }

    public var description: String { DateText.text(day) }
}

extension LocalDate: Comparable {
    public static func < (one: LocalDate, other: LocalDate) -> Bool { one.day.number < other.day.number }
}

extension LocalDate: Codable {
    public init(from decoder: any Decoder) throws { self = try decoder.value(or: .localDate) }

    public func encode(to encoder: any Encoder) throws { try encoder.encodeText(of: self) }
}

extension LocalDate: FieldLimit, Boundable {
    public typealias Bound = Self
    public var fieldNumber: FieldNumber { .localDate(self) }
}

/// A day and a time on a clock's face, without a time zone: what `<input type="datetime-local">` sends,
/// `2030-01-31T12:00`, with or without seconds.
///
/// Which moment it is depends on the time zone. A moment is a `Date`, which clients write with `Z` or an offset.
///
/// ```swift
/// func moment(_ time: LocalDateTime, in zone: TimeZone) -> Date? {
///     var calendar = Calendar(identifier: .gregorian)
///     calendar.timeZone = zone
///     return calendar.date(from: time.dateComponents)
/// }
/// ```
public struct LocalDateTime: Hashable, Sendable {
    /// The day.
    public let date: LocalDate
    private let time: TimeOfDay

    /// - Returns: nil if there is no such time of day.
    public init?(_ date: LocalDate, hour: Int, minute: Int, second: Int = 0, nanosecond: Int = 0) {
        guard let time = TimeOfDay(hour: hour, minute: minute, second: second, nanosecond: nanosecond) else {
            return nil
        }
        (self.date, self.time) = (date, time)
    }

    /// 0 to 23.
    public var hour: Int { time.hour }
    /// 0 to 59.
    public var minute: Int { time.minute }
    /// 0 to 59.
    public var second: Int { time.second }
    /// The fraction of the second, in nanoseconds.
    public var nanosecond: Int { time.nanosecond }

    /// The components, for a `Calendar` with a time zone.
    public var dateComponents: DateComponents {
        DateComponents(
            year: date.year, month: date.month, day: date.dayOfMonth, hour: hour, minute: minute,
            second: second, nanosecond: nanosecond)
    }
}

extension LocalDateTime: LosslessStringConvertible {
    /// - Returns: nil if `text` is not a local time such as `2030-01-31T12:00`; a time with an offset is not.
    public init?(_ text: String) {
        guard let (day, time) = DateText.localDateTime(text) else { return nil }
        (date, self.time) = (LocalDate(day), time)
    }

    /// The time in ISO 8601, with seconds.
    public var description: String { DateText.text(date.day, time) }
}

extension LocalDateTime: Comparable {
    public static func < (one: LocalDateTime, other: LocalDateTime) -> Bool {
        (one.date, one.time.seconds, one.nanosecond) < (other.date, other.time.seconds, other.nanosecond)
    }
}

extension LocalDateTime: Codable {
    public init(from decoder: any Decoder) throws { self = try decoder.value(or: .localDateTime) }

    public func encode(to encoder: any Encoder) throws { try encoder.encodeText(of: self) }
}

extension LocalDateTime: FieldLimit, Boundable {
    public typealias Bound = Self
    public var fieldNumber: FieldNumber { .localDateTime(self) }
}

extension Decoder {
    /// A value from its text.
    ///
    /// - Throws: `rule`, if the text is not one of such a value.
    fileprivate func value<Value: LosslessStringConvertible>(or rule: InputRule) throws -> Value {
        guard let value = Value(try singleValueContainer().decode(String.self)) else {
            throw rule.error(at: codingPath)
        }
        return value
    }
}

extension Encoder {
    fileprivate func encodeText(of value: some LosslessStringConvertible) throws {
        var container = singleValueContainer()
        try container.encode(value.description)
    }
}
