package import FoundationEssentials
internal import PostludeDates

/// The times of a schedule: a cron expression of five fields, in a time zone.
///
/// ```
/// 30 2 * * mon-fri      at 2:30 from Monday to Friday
/// */15 8-17 * * *       every quarter of an hour, from 8:00 to 17:45
/// 0 0 1,15 * sun        at midnight on the 1st, on the 15th, and on Sundays
/// @daily                at midnight
/// ```
///
/// If both days are given, one of them is enough, as in cron; if one begins with `*`, both must match.
///
/// When clocks change, an expression for every hour follows real time: it fires in both repeated hours, and not in a skipped
/// one. An expression for some hours fires once for each time of day: in the first of two repeated hours, and once for all
/// skipped times, as soon as these are over.
package struct CronExpression: Sendable, Hashable, CustomStringConvertible {
    /// The expression as it was written.
    package let description: String
    package let timeZone: TimeZone

    let minutes: CronSet
    let hours: CronSet
    private let days: CronSet
    private let months: CronSet
    private let weekdays: CronSet
    /// Whether a match of either day is enough.
    private let isEitherDay: Bool

    var isEveryHour: Bool { hours == CronSet(0...23) }

    func matches(_ date: CivilDate) -> Bool {
        guard months.contains(date.month) else { return false }
        let isDay = days.contains(date.day)
        let isWeekday = weekdays.contains(date.weekday)
        return isEitherDay ? isDay || isWeekday : isDay && isWeekday
    }
}

/// The computation of times.
extension CronExpression {
    /// Returns the first time after `date` at which it fires.
    ///
    /// - Returns: nil if there is none within eight years and two months. Even the rarest day, 29 February, is within that
    ///   time.
    package func next(after date: Date) -> Date? {
        guard date.timeIntervalSince1970.magnitude < 1e11 else { return nil }
        let seconds = Int(date.timeIntervalSince1970.rounded(.down))
        let next = isEveryHour ? nextInRealTime(after: seconds) : nextOnTheClock(after: seconds)
        return next.map { Date(timeIntervalSince1970: Double($0)) }
    }

    /// Returns the last time at which it fires after `date` and not after `end`; nil if there is none.
    package func last(after date: Date, through end: Date) -> Date? {
        guard let first = next(after: date), first <= end else { return nil }
        // A bisection takes fewer steps than going through all times: `next(after:)` finds a time that is not after `end` if,
        // and only if, its argument is before the last one.
        var (before, behind) = (first, end)
        while behind.timeIntervalSince(before) > 1 {
            let middle = before.addingTimeInterval(behind.timeIntervalSince(before) / 2)
            if let next = next(after: middle), next <= end { before = next } else { behind = middle }
        }
        return before
    }

    /// Returns the first match after `seconds`, counting each hour that passes, including one that the clock repeats; nil
    /// if there is none within the horizon.
    private func nextInRealTime(after seconds: Int) -> Int? {
        var start = seconds + 1
        let limit = seconds + Self.horizon
        while start <= limit {
            let offset = offset(at: start)
            guard let minute = nextMinute(from: Self.ceiling(start + offset)) else { return nil }
            let time = minute * 60 - offset
            guard let change = firstChange(from: start, to: time) else { return time }
            // The offset from UTC is different from there on.
            start = change
        }
        return nil
    }

    /// Returns the first match after `seconds`, counting a time that the clock shows twice only once; nil if there is none
    /// within the horizon.
    private func nextOnTheClock(after seconds: Int) -> Int? {
        let limit = seconds + Self.horizon
        var minute = Self.ceiling(seconds + 1 + offset(at: seconds))
        while let match = nextMinute(from: minute) {
            let time = firstTime(at: match * 60)
            if time > seconds { return time <= limit ? time : nil }
            minute = match + 1
        }
        return nil
    }

    /// Returns the second at which the clock first shows a time. If it skips that time, this is the end of the skipped time.
    private func firstTime(at civil: Int) -> Int {
        let offsets = Set([offset(at: civil - Self.day), offset(at: civil), offset(at: civil + Self.day)])
        if let time = offsets.map({ civil - $0 }).filter({ $0 + offset(at: $0) == civil }).min() {
            return time
        }
        let earliest = civil - (offsets.max() ?? 0)
        let latest = civil - (offsets.min() ?? 0)
        return firstChange(from: earliest, to: latest) ?? latest
    }

    // MARK: Minutes that match

    /// Returns the first matching minute that is not before `minute`, in minutes of local time since 1970.
    private func nextMinute(from minute: Int) -> Int? {
        var day = Self.floor(minute, by: 1_440)
        var minuteOfDay = minute - day * 1_440
        let limit = day + Self.horizon / Self.day
        while day <= limit {
            if matches(CivilDate(number: day)), let found = nextMinuteOfDay(from: minuteOfDay) {
                return day * 1_440 + found
            }
            day += 1
            minuteOfDay = 0
        }
        return nil
    }

    private func nextMinuteOfDay(from minute: Int) -> Int? {
        var hour = minute / 60
        var minuteOfHour = minute % 60
        while let match = hours.first(from: hour) {
            if match != hour { minuteOfHour = 0 }
            if let found = minutes.first(from: minuteOfHour) { return match * 60 + found }
            hour = match + 1
            minuteOfHour = 0
        }
        return nil
    }

    // MARK: The clock's changes

    private static let day = 86_400
    private static let horizon = (8 * 366 + 62) * day

    private func offset(at seconds: Int) -> Int {
        timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds)))
    }

    /// Returns the first second, not before `start` and not after `end`, at which the offset from UTC differs from that at
    /// `start`; nil if there is none.
    private func firstChange(from start: Int, to end: Int) -> Int? {
        let before = offset(at: start)
        var same = start
        while same < end {
            let next = min(end, same + Self.day)
            if offset(at: next) == before {
                same = next
                continue
            }
            var changed = next
            while changed - same > 1 {
                let middle = same + (changed - same) / 2
                if offset(at: middle) == before { same = middle } else { changed = middle }
            }
            return changed
        }
        return nil
    }

    /// Returns the first minute that does not begin before `seconds`.
    private static func ceiling(_ seconds: Int) -> Int { -floor(-seconds, by: 60) }

    private static func floor(_ number: Int, by divisor: Int) -> Int {
        number >= 0 ? number / divisor : -((-number + divisor - 1) / divisor)
    }
}

/// The parsing of an expression.
extension CronExpression {
    private static let shorthands = [
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
        "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
    ]

    /// - Parameter text: five fields, or a name such as `@daily`.
    package init(_ text: String, timeZone: TimeZone) throws(CronError) {
        var fields = Self.fields(of: text)
        if let first = fields.first, first.text.hasPrefix("@") {
            guard let meaning = Self.shorthands[first.text.lowercased()] else {
                throw CronError(
                    text: text, column: first.column, found: "\(first.text) is not a known name",
                    expected: Self.shorthands.keys.sorted().joined(separator: ", "))
            }
            if fields.count > 1 { throw Self.surplus(fields[1], in: text) }
            fields = Self.fields(of: meaning)
        }
        if fields.count > 5 { throw Self.surplus(fields[5], in: text) }
        guard fields.count == 5 else {
            throw CronError(
                text: text, column: text.unicodeScalars.count + 1, found: "the text ends",
                expected: "a \(CronField.all[fields.count].name): five fields, or a name such as @daily")
        }
        var sets: [CronSet] = []
        for (field, part) in zip(CronField.all, fields) {
            var parser = CronFieldParser(field, text: text)
            sets.append(try parser.parse(part))
        }
        var weekdays = sets[4]
        if weekdays.contains(7) { weekdays.insert(0) }
        description = text
        self.timeZone = timeZone
        (minutes, hours, days, months) = (sets[0], sets[1], sets[2], sets[3])
        self.weekdays = weekdays
        isEitherDay = !fields[2].text.hasPrefix("*") && !fields[4].text.hasPrefix("*")
        guard isEitherDay || Self.hasDay(days, in: months) else {
            throw CronError(
                text: text, column: fields[2].column, found: "none of the named months has that day",
                expected: "a day that exists")
        }
    }

    fileprivate struct Part {
        var text: String
        /// From 1.
        var column: Int
    }

    private static func fields(of text: String) -> [Part] {
        var parts: [Part] = []
        var isInside = false
        for (index, character) in text.unicodeScalars.enumerated() {
            let isBlank = character == " " || character == "\t"
            defer { isInside = !isBlank }
            if isBlank { continue }
            if !isInside { parts.append(Part(text: "", column: index + 1)) }
            parts[parts.count - 1].text.unicodeScalars.append(character)
        }
        return parts
    }

    private static func surplus(_ part: Part, in text: String) -> CronError {
        CronError(
            text: text, column: part.column, found: "\(part.text) is one field too many", expected: "the end")
    }

    private static func hasDay(_ days: CronSet, in months: CronSet) -> Bool {
        let lengths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return lengths.enumerated().contains { month, length in
            months.contains(month + 1) && (days.first(from: 1).map { $0 <= length } ?? false)
        }
    }
}

/// A parser of one field: a list of `*`, numbers, names and ranges; `*` and ranges may have a step.
private struct CronFieldParser {
    private let field: CronField
    private let text: String
    private var set = CronSet()

    init(_ field: CronField, text: String) {
        self.field = field
        self.text = text
    }

    mutating func parse(_ part: CronExpression.Part) throws(CronError) -> CronSet {
        var column = part.column
        for item in part.text.split(separator: ",", omittingEmptySubsequences: false) {
            try add(item, at: column)
            column += item.unicodeScalars.count + 1
        }
        return set
    }

    private mutating func add(_ item: Substring, at column: Int) throws(CronError) {
        let halves = item.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let range = try range(halves[0], at: column)
        guard halves.count == 2 else {
            for number in range { set.insert(number) }
            return
        }
        let stepColumn = column + halves[0].unicodeScalars.count + 1
        guard halves[0] == "*" || halves[0].contains("-") else {
            throw error(
                "a step after the number \(halves[0])", at: stepColumn - 1,
                expected:
                    "one after * or a range, such as \(halves[0])-\(field.range.upperBound)/\(halves[1])")
        }
        guard halves[1].utf8.count <= 2, let step = Int(halves[1]), step >= 1, !halves[1].hasPrefix("+")
        else {
            throw error("\"\(halves[1])\" is not a step", at: stepColumn, expected: "a number of 1 to 99")
        }
        for number in stride(from: range.lowerBound, through: range.upperBound, by: step) {
            set.insert(number)
        }
    }

    private func range(_ text: Substring, at column: Int) throws(CronError) -> ClosedRange<Int> {
        if text == "*" { return field.everything }
        let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let first = try number(ends[0], at: column)
        guard ends.count == 2 else { return first...first }
        let lastColumn = column + ends[0].unicodeScalars.count + 1
        var last = try number(ends[1], at: lastColumn)
        // In `fri-sun`, the Sunday is the one after Friday.
        if field.range == CronField.weekday.range, last == 0, first > 0 { last = 7 }
        guard first <= last else {
            throw error(
                "\(ends[1]) is before \(ends[0])", at: lastColumn,
                expected:
                    "two ranges, \(ends[0])-\(field.range.upperBound),\(field.range.lowerBound)-\(ends[1])")
        }
        return first...last
    }

    private func number(_ word: Substring, at column: Int) throws(CronError) -> Int {
        if let number = field.number(of: word) { return number }
        let found = word.isEmpty ? "nothing" : "\"\(word)\" is not a valid \(field.name)"
        throw error(found, at: column, expected: field.expectation)
    }

    private func error(_ found: String, at column: Int, expected: String) -> CronError {
        CronError(text: text, column: column, found: found, expected: expected)
    }
}

/// One of the five fields of a cron expression, with its range of numbers and their names.
private struct CronField: Sendable {
    let name: String
    let range: ClosedRange<Int>
    /// The names of the numbers, from the range's first number on.
    var names: [String] = []

    static let minute = CronField(name: "minute", range: 0...59)
    static let hour = CronField(name: "hour", range: 0...23)
    static let day = CronField(name: "day of the month", range: 1...31)
    static let month = CronField(
        name: "month", range: 1...12,
        names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
    /// Sunday is 0 and also 7.
    static let weekday = CronField(
        name: "day of the week", range: 0...7, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"])
    static let all = [minute, hour, day, month, weekday]

    /// The numbers of `*`, with Sunday once.
    var everything: ClosedRange<Int> { range == Self.weekday.range ? 0...6 : range }

    var expectation: String {
        let numbers = "\(name == "hour" ? "an" : "a") \(name) of \(range.lowerBound) to \(range.upperBound)"
        guard let first = names.first, let last = names.last else { return numbers }
        return "\(numbers) or \(first) to \(last)"
    }

    /// - Returns: nil if the word is not a number or name of this field.
    func number(of word: some StringProtocol) -> Int? {
        if let place = names.firstIndex(of: word.lowercased()) { return range.lowerBound + place }
        guard word.utf8.count <= 2, word.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(word)
        else { return nil }
        return range.contains(number) ? number : nil
    }
}

/// A set of numbers from 0 to 63.
struct CronSet: Sendable, Hashable {
    private var bits: UInt64 = 0

    init() {}

    init(_ numbers: ClosedRange<Int>) { for number in numbers { insert(number) } }

    mutating func insert(_ number: Int) { bits |= 1 << UInt64(clamping: number) }

    func contains(_ number: Int) -> Bool { number >= 0 && bits & 1 << UInt64(number) != 0 }

    /// Returns the smallest number that is not less than `number`; nil if there is none.
    func first(from number: Int) -> Int? {
        guard number < 64 else { return nil }
        let left = bits & (.max << UInt64(max(0, number)))
        return left == 0 ? nil : left.trailingZeroBitCount
    }
}

/// A mistake in a cron expression.
package struct CronError: Error, Sendable, Equatable, CustomStringConvertible {
    package let text: String
    /// The column of the mistake in the text, from 1.
    package let column: Int
    package let found: String
    package let expected: String

    package var description: String { "\"\(text)\", column \(column): \(found); expected \(expected)" }
}
