/// One of a cron expression's five fields: what it is called, and which numbers and names it knows.
struct CronField: Sendable {
    let name: String
    let range: ClosedRange<Int>
    /// The first one stands for the range's first number.
    var names: [String] = []

    static let minute = CronField(name: "minute", range: 0...59)
    static let hour = CronField(name: "hour", range: 0...23)
    static let day = CronField(name: "day of the month", range: 1...31)
    static let month = CronField(
        name: "month", range: 1...12,
        names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
    /// Sunday is 0, and 7 too.
    static let weekday = CronField(
        name: "day of the week", range: 0...7, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"])
    static let all = [minute, hour, day, month, weekday]

    /// What `*` is: each once.
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
