internal import Glibc

/// A point in time in header fields, in whole seconds (RFC 9110, 5.6.7).
struct HTTPDate: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The seconds since 1970, in UTC.
    let seconds: Int

    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    init(seconds: Int) { self.seconds = seconds }

    static var now: HTTPDate { HTTPDate(seconds: time(nil)) }

    static func < (left: HTTPDate, right: HTTPDate) -> Bool { left.seconds < right.seconds }

    /// The date in the only format that may be sent: `Sun, 06 Nov 1994 08:49:37 GMT`.
    var description: String {
        // The format has four digits for the year: 0000 to 9999.
        var seconds = min(max(self.seconds, -62_167_219_200), 253_402_300_799)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func digits(_ number: Int32, _ count: Int = 2) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let day = Self.days[Int(parts.tm_wday) % 7]
        let month = Self.months[Int(parts.tm_mon) % 12]
        let time = "\(digits(parts.tm_hour)):\(digits(parts.tm_min)):\(digits(parts.tm_sec))"
        return "\(day), \(digits(parts.tm_mday)) \(month) \(digits(parts.tm_year + 1900, 4)) \(time) GMT"
    }

    /// Parses the three formats that a recipient must accept; returns nil for any other text.
    init?(_ text: String) {
        let words = text.split(whereSeparator: { $0 == " " || $0 == "," })
        let parts: [Substring]
        if words.count == 6, words[5] == "GMT", text.hasPrefix("\(words[0]), ") {
            parts = [words[1], words[2], words[3], words[4]]
        } else if words.count == 4, words[3] == "GMT", text.hasPrefix("\(words[0]), ") {
            // RFC 850: Sunday, 06-Nov-94 08:49:37 GMT
            let date = words[1].split(separator: "-", omittingEmptySubsequences: false)
            guard date.count == 3, let year = Self.fullYear(date[2]) else { return nil }
            parts = [date[0], date[1], year, words[2]]
        } else if words.count == 5 {
            // asctime: Sun Nov  6 08:49:37 1994
            parts = [words[2].count == 1 ? "0" + words[2] : words[2], words[1], words[4], words[3]]
        } else {
            return nil
        }
        self.init(day: parts[0], month: parts[1], year: parts[2], time: parts[3])
    }

    private init?(day: Substring, month: Substring, year: Substring, time: Substring) {
        let clock = time.split(separator: ":", omittingEmptySubsequences: false)
        guard clock.count == 3, let hour = Self.number(clock[0], 2), let minute = Self.number(clock[1], 2),
            let second = Self.number(clock[2], 2), let day = Self.number(day, 2),
            let year = Self.number(year, 4), let month = Self.months.firstIndex(of: String(month))
        else { return nil }
        var parts = tm()
        (parts.tm_year, parts.tm_mon, parts.tm_mday) = (year - 1900, Int32(month), day)
        (parts.tm_hour, parts.tm_min, parts.tm_sec) = (hour, minute, min(second, 59))
        guard hour < 24, minute < 60, second <= 60, day >= 1 else { return nil }
        // timegm would convert 31 February to a day in March.
        var normalized = parts
        seconds = timegm(&normalized)
        guard normalized.tm_mday == day, normalized.tm_mon == Int32(month) else { return nil }
    }

    private static func number(_ text: Substring, _ count: Int) -> Int32? {
        text.utf8.count == count && text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int32(text) : nil
    }

    /// Returns the full year: two digits that would be more than 50 years in the future are in the past century (RFC
    /// 9110, 5.6.7).
    private static func fullYear(_ text: Substring) -> Substring? {
        guard let short = number(text, 2) else { return nil }
        var (now, parts) = (time(nil), tm())
        gmtime_r(&now, &parts)
        let thisYear = parts.tm_year + 1900
        let year = thisYear / 100 * 100 + short
        return "\(year > thisYear + 50 ? year - 100 : year)"
    }
}
