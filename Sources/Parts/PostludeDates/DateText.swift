package import FoundationEssentials

/// The reading and writing of points in time, days and local times as text, for all modules.
///
/// It reads RFC 3339 (`2030-01-31T12:00:00.5+01:00`) and ISO 8601's reduced and basic forms (`2030-01-31T12:00Z`,
/// `20300131T120000Z`, `+0100`), and writes RFC 3339. Foundation's parser accepts 31 February and 25 o'clock, and ignores text
/// after the time; its formatter writes dates before 1582-10-15 in the Julian calendar, and years of five digits.
package enum DateText {
    // MARK: Points in time

    /// - Parameter assumesUTC: whether a time without an offset is in UTC, as in Python programs.
    /// - Returns: nil if `text` is not a point in time between the years 0001 and 9999.
    package static func date(_ text: String, assumesUTC: Bool = false) -> Date? {
        var reader = DateReader(text)
        guard let local = reader.localDateTime(allowsLeapSecond: true),
            let offset = assumesUTC && reader.isAtEnd ? 0 : reader.offset(), reader.isAtEnd
        else { return nil }
        let seconds = local.day.number * 86_400 + local.time.seconds - offset
        // A leap second is the last second of a month in UTC, and counts as the second that follows it (RFC 3339, 5.7).
        guard
            !local.isLeapSecond
                || CivilDate(number: floored(seconds + 1).days).day == 1
                    && floored(seconds + 1).rest == 0
        else { return nil }
        let whole = seconds + (local.isLeapSecond ? 1 : 0)
        guard range.contains(whole) else { return nil }
        return Date(
            timeIntervalSinceReferenceDate: Double(whole - referenceDate)
                + Double(local.time.nanosecond) / 1e9)
    }

    /// Returns a point in time in UTC, in the format of RFC 3339.
    ///
    /// The time is rounded to the nearest microsecond. A `Date` of our time is not much more precise.
    ///
    /// - Parameter fractionDigits: the number of digits of the second's fraction, at most nine; further digits are cut off. nil
    ///   for none in a whole second, otherwise the fewest of three, six and nine that suffice.
    /// - Returns: nil outside of the years 0001 to 9999, which the format cannot represent.
    package static func text(_ date: Date, fractionDigits: Int? = nil) -> String? {
        let interval = date.timeIntervalSinceReferenceDate
        // A wide limit, so that the following arithmetic cannot overflow. The comparison is also false for NaN.
        guard abs(interval) < 1e12 else { return nil }
        let floor = interval.rounded(.down)
        var seconds = Int(floor) + referenceDate
        var microseconds = Int(((interval - floor) * 1_000_000).rounded())
        if microseconds == 1_000_000 { (seconds, microseconds) = (seconds + 1, 0) }
        guard range.contains(seconds) else { return nil }
        let (days, rest) = floored(seconds)
        var text = DateWriter()
        text.day(CivilDate(number: days))
        text.time(seconds: rest, nanosecond: microseconds * 1_000, fractionDigits: fractionDigits)
        text.append("Z")
        return text.text
    }

    // MARK: Local values

    /// Reads a day: `2030-01-31`, as `<input type="date">` sends it, or `20300131`. Returns nil for another text.
    package static func day(_ text: String) -> CivilDate? {
        var reader = DateReader(text)
        guard let day = reader.day(), reader.isAtEnd else { return nil }
        return day
    }

    package static func text(_ day: CivilDate) -> String {
        var text = DateWriter()
        text.day(day)
        return text.text
    }

    /// Reads a local time: `2030-01-31T12:00`, as `<input type="datetime-local">` sends it, with or without seconds.
    /// Returns nil for another text.
    package static func localDateTime(_ text: String) -> (day: CivilDate, time: TimeOfDay)? {
        var reader = DateReader(text)
        guard let local = reader.localDateTime(), reader.isAtEnd else { return nil }
        return (local.day, local.time)
    }

    package static func text(_ day: CivilDate, _ time: TimeOfDay) -> String {
        var text = DateWriter()
        text.day(day)
        text.time(seconds: time.seconds, nanosecond: time.nanosecond, fractionDigits: nil)
        return text.text
    }

    // MARK: Seconds since 1970

    private static let referenceDate = 978_307_200
    private static let range = -62_135_596_800...253_402_300_799

    private static func floored(_ seconds: Int) -> (days: Int, rest: Int) {
        let (days, rest) = seconds.quotientAndRemainder(dividingBy: 86_400)
        return rest < 0 ? (days - 1, rest + 86_400) : (days, rest)
    }
}
