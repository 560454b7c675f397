/// A parser of the parts of a date's text, from left to right.
struct DateReader {
    struct LocalDateTime {
        let day: CivilDate
        let time: TimeOfDay
        /// Whether the text has second 60, which is 59 in `time`.
        let isLeapSecond: Bool
    }

    private var rest: Substring.UTF8View

    init(_ text: String) { rest = text[...].utf8 }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func day() -> CivilDate? { calendarDay()?.day }

    /// Reads a day and a time, both with separators or both without (ISO 8601-1, 5.4.2.1). The result is nil if the text
    /// does not begin with one.
    mutating func localDateTime(allowsLeapSecond: Bool = false) -> LocalDateTime? {
        guard let (day, isBasic) = calendarDay(), take("T") || take("t") || !isBasic && take(" "),
            let hour = number(2), isBasic || take(":"), let minute = number(2)
        else { return nil }
        var (second, nanosecond) = (0, 0)
        if isBasic ? rest.first.map(Self.isDigit) == true : take(":") {
            guard let seconds = number(2), let fraction = fraction() else { return nil }
            (second, nanosecond) = (seconds, fraction)
        }
        let isLeapSecond = allowsLeapSecond && second == 60
        if isLeapSecond { second = 59 }
        return TimeOfDay(hour: hour, minute: minute, second: second, nanosecond: nanosecond).map {
            LocalDateTime(day: day, time: $0, isLeapSecond: isLeapSecond)
        }
    }

    /// Reads an offset, such as `Z`, `+01:00`, `+0100` or `+01`. The result is in seconds east of UTC; nil if there is none.
    mutating func offset() -> Int? {
        if take("Z") || take("z") { return 0 }
        let isWest = take("-")
        guard isWest || take("+"), let hours = number(2), hours < 24 else { return nil }
        if isAtEnd { return hours * (isWest ? -3600 : 3600) }
        _ = take(":")
        guard let minutes = number(2), minutes < 60 else { return nil }
        return (hours * 60 + minutes) * (isWest ? -60 : 60)
    }

    private mutating func calendarDay() -> (day: CivilDate, isBasic: Bool)? {
        guard let year = number(4) else { return nil }
        let isBasic = !take("-")
        guard let month = number(2), isBasic || take("-"), let day = number(2) else { return nil }
        return CivilDate(year: year, month: month, day: day).map { ($0, isBasic) }
    }

    /// Reads a fraction of a second, and returns it in nanoseconds; digits after the ninth are ignored. Returns zero for a text
    /// without a fraction, and nil for a point without digits.
    private mutating func fraction() -> Int? {
        guard take(".") || take(",") else { return 0 }
        let digits = rest.prefix(while: Self.isDigit)
        guard !digits.isEmpty else { return nil }
        rest.removeFirst(digits.count)
        let value = digits.prefix(9).reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        return (digits.count..<max(9, digits.count)).reduce(value) { value, _ in value * 10 }
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

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
