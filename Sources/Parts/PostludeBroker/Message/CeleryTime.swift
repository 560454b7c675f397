package import FoundationEssentials
internal import PostludeDates

/// Celery's notation of times: Python's `datetime.isoformat()`, in UTC, with an offset.
package enum CeleryTime {
    /// The valid times, in seconds since 1970. They end two days before the end of Python's last year, 9999, because Celery
    /// converts times to other time zones.
    package static let range = 0.0...253_402_128_000

    /// Returns a text such as `2026-11-23T09:30:00.250000+00:00`; `nil` if the date is not in ``range``.
    package static func text(_ date: Date) -> String? {
        guard range.contains(date.timeIntervalSince1970) else { return nil }
        return DateText.text(date, fractionDigits: 6).map { $0.dropLast() + "+00:00" }
    }

    /// Parses the output of Python's `isoformat()`. A time without an offset is in UTC, as in Celery. Returns `nil` for
    /// another text.
    package static func date(_ text: String) -> Date? { DateText.date(text, assumesUTC: true) }
}
