package import FoundationEssentials

/// Times as Celery writes them: Python's `datetime.isoformat()`, in UTC, with an offset.
package enum CeleryTime {
    /// Celery adds time zones to what it reads, and Python's years end at 9999.
    package static let range = 0.0...253_402_128_000

    /// `2026-11-23T09:30:00.250000+00:00`; nil before 1970 and at the end of the year 9999.
    package static func text(_ date: Date) -> String? {
        let seconds = date.timeIntervalSince1970
        guard range.contains(seconds) else { return nil }
        let whole = seconds.rounded(.down)
        let microseconds = min(999_999, Int((seconds - whole) * 1_000_000))
        let (days, second) = Int(whole).quotientAndRemainder(dividingBy: 86_400)
        let (year, month, day) = civil(days: days)
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        let time = "\(padded(second / 3_600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
        return "\(date)T\(time).\(padded(microseconds, 6))+00:00"
    }

    /// Reads what Python's `isoformat()` writes; without an offset it is UTC, as Celery takes it.
    package static func date(_ text: String) -> Date? {
        var bytes = Array(text.utf8)[...]
        func number(_ count: Int) -> Int? {
            let digits = bytes.prefix(count)
            guard digits.count == count, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            bytes = bytes.dropFirst(count)
            return digits.reduce(0) { $0 * 10 + Int($1) - 0x30 }
        }
        func take(_ characters: String) -> UInt8? {
            guard let first = bytes.first, characters.utf8.contains(first) else { return nil }
            bytes = bytes.dropFirst()
            return first
        }
        guard let year = number(4), take("-") != nil, let month = number(2), take("-") != nil,
            let day = number(2), take("T ") != nil, let hour = number(2), take(":") != nil,
            let minute = number(2)
        else { return nil }
        var second = 0
        var fraction = 0.0
        if take(":") != nil {
            guard let seconds = number(2) else { return nil }
            second = seconds
            if take(".") != nil {
                let digits = bytes.prefix { (0x30...0x39).contains($0) }
                guard (1...9).contains(digits.count),
                    let value = Double("0." + String(decoding: digits, as: UTF8.self))
                else { return nil }
                fraction = value
                bytes = bytes.dropFirst(digits.count)
            }
        }
        var offset = 0
        if take("Z") == nil, let sign = take("+-") {
            guard let hours = number(2), take(":") != nil, let minutes = number(2), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * (sign == UInt8(ascii: "+") ? 60 : -60)
        }
        guard bytes.isEmpty, year >= 1, (1...12).contains(month), (1...31).contains(day), hour < 24,
            minute < 60, second < 60
        else { return nil }
        let days = days(year: year, month: month, day: day)
        // A day that the month does not have would be one of the next month.
        guard civil(days: days) == (year, month, day) else { return nil }
        let whole = days * 86_400 + hour * 3_600 + minute * 60 + second - offset
        return Date(timeIntervalSince1970: Double(whole) + fraction)
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    // The proleptic Gregorian calendar by days since 1970, in years that begin in March
    // (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").

    private static func days(year: Int, month: Int, day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
