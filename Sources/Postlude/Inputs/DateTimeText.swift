internal import FoundationEssentials

/// A point in time as clients write it: ISO 8601 in the form of RFC 3339, `2030-01-31T12:00:00.5+01:00`.
///
/// Foundation's parser takes 31 February and 25 o'clock, and forgets fractions and what follows the time.
struct DateTimeText {
    private var rest: Substring.UTF8View

    /// - Returns: nil when `text` is no such time.
    static func date(_ text: String) -> Date? {
        var text = DateTimeText(rest: text[...].utf8)
        return text.date()
    }

    /// The strategy of a JSON decoder.
    static func decode(from decoder: any Decoder) throws -> Date {
        let container = try decoder.singleValueContainer()
        guard let text = try? container.decode(String.self) else {
            throw DecodingError.typeMismatch(
                Date.self, .init(codingPath: decoder.codingPath, debugDescription: "no text"))
        }
        guard let date = date(text) else { throw InputRule.dateTime.error(at: decoder.codingPath) }
        return date
    }

    private mutating func date() -> Date? {
        guard let year = number(4), take("-"), let month = number(2), (1...12).contains(month), take("-"),
            let day = number(2), day >= 1, day <= Self.length(of: month, in: year),
            take("T") || take("t") || take(" "), let hour = number(2), hour < 24, take(":"),
            let minute = number(2), minute < 60, take(":"), let second = number(2), second < 60,
            let fraction = fraction(), let offset = offset(), rest.isEmpty
        else { return nil }
        let days = Self.days(year: year, month: month, day: day)
        let seconds = (days * 24 + hour) * 3600 + minute * 60 + second - offset
        return Date(timeIntervalSince1970: Double(seconds) + fraction)
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func number(_ count: Int) -> Int? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy(Self.isDigit) else { return nil }
        rest.removeFirst(count)
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    /// Zero where there is none; nil for a point without digits. Nanoseconds are as far as it goes.
    private mutating func fraction() -> Double? {
        guard take(".") else { return 0 }
        let digits = rest.prefix(while: Self.isDigit)
        rest.removeFirst(digits.count)
        guard !digits.isEmpty else { return nil }
        return Double("0." + String(decoding: digits.prefix(9), as: UTF8.self))
    }

    /// Seconds east of UTC.
    private mutating func offset() -> Int? {
        if take("Z") || take("z") { return 0 }
        let isWest = take("-")
        guard isWest || take("+"), let hours = number(2), hours < 24, take(":"), let minutes = number(2),
            minutes < 60
        else { return nil }
        return (hours * 60 + minutes) * (isWest ? -60 : 60)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func length(of month: Int, in year: Int) -> Int {
        switch month {
        case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970 in the Gregorian calendar, of years 0 to 9999. A year begins in March here, so that a leap day
    /// is its last.
    private static func days(year: Int, month: Int, day: Int) -> Int {
        let year = month > 2 ? year : year - 1
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
