package import FoundationEssentials
internal import PostludeDates

/// Times as Celery writes them: Python's `datetime.isoformat()`, in UTC, with an offset.
package enum CeleryTime {
    /// Celery adds time zones to what it reads, and Python's years end at 9999.
    package static let range = 0.0...253_402_128_000

    /// `2026-11-23T09:30:00.250000+00:00`; nil before 1970 and at the end of the year 9999.
    package static func text(_ date: Date) -> String? {
        guard range.contains(date.timeIntervalSince1970) else { return nil }
        return DateText.text(date, fraction: .digits(6)).map { $0.dropLast() + "+00:00" }
    }

    /// Reads what Python's `isoformat()` writes; without an offset it is UTC, as Celery takes it.
    package static func date(_ text: String) -> Date? { DateText.date(text, assumesUTC: true) }
}
