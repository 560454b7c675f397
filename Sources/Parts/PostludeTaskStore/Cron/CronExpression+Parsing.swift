package import FoundationEssentials

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
                    text: text, column: first.column, found: "\(first.text) is no known name",
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
                text: text, column: fields[2].column, found: "no month that is named has that day",
                expected: "a day that comes")
        }
    }

    struct Part {
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

/// Reads one field: a list of `*`, numbers, names and ranges; `*` and ranges may have a step.
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
                "a step behind the number \(halves[0])", at: stepColumn - 1,
                expected:
                    "one behind * or a range, such as \(halves[0])-\(field.range.upperBound)/\(halves[1])")
        }
        guard halves[1].utf8.count <= 2, let step = Int(halves[1]), step >= 1, !halves[1].hasPrefix("+")
        else {
            throw error("\"\(halves[1])\" is no step", at: stepColumn, expected: "a number of 1 to 99")
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
        // fri-sun: up to the Sunday after it.
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
        let found = word.isEmpty ? "nothing" : "\"\(word)\" is no \(field.name)"
        throw error(found, at: column, expected: field.expectation)
    }

    private func error(_ found: String, at column: Int, expected: String) -> CronError {
        CronError(text: text, column: column, found: found, expected: expected)
    }
}
