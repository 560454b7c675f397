public import FoundationEssentials
internal import PostludeDates

/// A day and a time on a clock's face, without a time zone: what `<input type="datetime-local">` sends,
/// `2030-01-31T12:00`, with or without seconds.
///
/// Which moment it is a time zone has to say; a moment is a `Date`, which clients write with `Z` or an offset.
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

    /// - Returns: nil if no clock shows such a time.
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
    /// The fraction of the second.
    public var nanosecond: Int { time.nanosecond }

    /// For a `Calendar`, which knows time zones.
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

    /// With seconds.
    public var description: String { DateText.text(date.day, time) }
}

extension LocalDateTime: Comparable {
    public static func < (one: LocalDateTime, other: LocalDateTime) -> Bool {
        (one.date, one.time.seconds, one.nanosecond) < (other.date, other.time.seconds, other.nanosecond)
    }
}

extension LocalDateTime: Codable {
    public init(from decoder: any Decoder) throws {
        guard let value = LocalDateTime(try decoder.singleValueContainer().decode(String.self)) else {
            throw InputRule.localDateTime.error(at: decoder.codingPath)
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension LocalDateTime: FieldLimit, Boundable {
    public typealias Bound = Self
    public var fieldNumber: FieldNumber { .localDateTime(self) }
}
