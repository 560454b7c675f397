public import FoundationEssentials
internal import PostludeDates

/// A day without a time and without a time zone, such as a birthday: what `<input type="date">` sends, `2030-01-31`.
///
/// It is read and written in ISO 8601, with the proleptic Gregorian calendar of the years 0001 to 9999. Where a day begins
/// is for a time zone to say:
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

    /// For a `Calendar`, which knows time zones.
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
    public init(from decoder: any Decoder) throws {
        guard let date = LocalDate(try decoder.singleValueContainer().decode(String.self)) else {
            throw InputRule.localDate.error(at: decoder.codingPath)
        }
        self = date
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension LocalDate: FieldLimit, Boundable {
    public typealias Bound = Self
    public var fieldNumber: FieldNumber { .localDate(self) }
}
