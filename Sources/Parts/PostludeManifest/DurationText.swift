/// The notation of durations in the manifest: a whole number and a unit.
package enum DurationText {
    package static let expectation = "a duration with a unit (ms, s, m or h) such as 30s"
    /// The longest duration: no setting of a server needs more, and it is far below the limit of `Duration`.
    static let maximum: Duration = .seconds(365 * 24 * 3600)
    static let maximumText = "8760h"

    /// The number of milliseconds in each unit.
    private static let units: [(suffix: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000),
    ]

    /// Returns a duration of the command line; nil if the text is not one.
    package static func duration(_ text: String) -> Duration? { try? parse(text) }

    static func parse(_ text: String) throws(ValueMistake) -> Duration {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let suffix = text.dropFirst(digits.count)
        guard !digits.isEmpty, let unit = units.first(where: { $0.suffix == suffix }) else {
            throw ValueMistake(expected: expectation)
        }
        guard let count = Int64(digits) else {
            throw ValueMistake(expected: "at most \(maximumText)")
        }
        let (milliseconds, overflow) = count.multipliedReportingOverflow(by: unit.milliseconds)
        guard !overflow, .milliseconds(milliseconds) <= maximum else {
            throw ValueMistake(expected: "at most \(maximumText)")
        }
        return .milliseconds(milliseconds)
    }

    /// Returns the shortest text that `parse` reads as this duration, such as `90s` or `5m`.
    static func text(of duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = attoseconds / 1_000_000_000_000_000
        if milliseconds != 0 {
            let (thousands, overflow) = seconds.multipliedReportingOverflow(by: 1000)
            return overflow ? "\(seconds)s" : "\(thousands + milliseconds)ms"
        }
        if seconds != 0, seconds % 3600 == 0 { return "\(seconds / 3600)h" }
        if seconds != 0, seconds % 60 == 0 { return "\(seconds / 60)m" }
        return "\(seconds)s"
    }
}
