internal import Glibc

/// A wall-clock time, in the notations of logs.
package struct LogTime: Sendable {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Whole seconds since 1970.
    let seconds: Int
    let milliseconds: Int

    init(seconds: Int, milliseconds: Int) {
        self.seconds = seconds
        self.milliseconds = milliseconds
    }

    static var now: LogTime {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return LogTime(seconds: now.tv_sec, milliseconds: now.tv_nsec / 1_000_000)
    }

    /// The time in UTC, with milliseconds (RFC 3339).
    var utc: String {
        let parts = parts(gmtime_r)
        return "\(Self.date(parts))T\(Self.clock(parts)).\(Self.padded(milliseconds, 3))Z"
    }

    /// The local time with its offset from UTC (ISO 8601), like nginx's `$time_iso8601`.
    var iso8601: String {
        let parts = parts(localtime_r)
        let zone = Self.zone(parts)
        return "\(Self.date(parts))T\(Self.clock(parts))\(zone.prefix(3)):\(zone.suffix(2))"
    }

    /// The local time in the Common Log Format, such as `29/Feb/2028:13:05:09 +0100`.
    var common: String {
        let parts = parts(localtime_r)
        let date = "\(Self.padded(parts.tm_mday, 2))/\(Self.month(parts))/\(parts.tm_year + 1900)"
        return "\(date):\(Self.clock(parts)) \(Self.zone(parts))"
    }

    /// The local time in syslog's format (RFC 3164, 4.1.2), such as `Feb  9 13:05:09`.
    var syslog: String {
        let parts = parts(localtime_r)
        return "\(Self.month(parts)) \(parts.tm_mday < 10 ? " " : "")\(parts.tm_mday) \(Self.clock(parts))"
    }

    /// The seconds since 1970 with milliseconds, such as `1830000000.123`.
    var sinceEpoch: String { "\(seconds).\(Self.padded(milliseconds, 3))" }

    private func parts(
        _ convert: (UnsafePointer<time_t>?, UnsafeMutablePointer<tm>?) -> UnsafeMutablePointer<tm>?
    ) -> tm {
        var seconds = time_t(seconds)
        var parts = tm()
        _ = convert(&seconds, &parts)
        return parts
    }

    private static func date(_ parts: tm) -> String {
        "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1, 2))-\(padded(parts.tm_mday, 2))"
    }

    private static func clock(_ parts: tm) -> String {
        "\(padded(parts.tm_hour, 2)):\(padded(parts.tm_min, 2)):\(padded(parts.tm_sec, 2))"
    }

    private static func month(_ parts: tm) -> String {
        let month = Int(parts.tm_mon)
        return months.indices.contains(month) ? months[month] : "???"
    }

    /// Returns the offset from UTC, such as `+0100`.
    private static func zone(_ parts: tm) -> String {
        let minutes = abs(parts.tm_gmtoff) / 60
        return (parts.tm_gmtoff < 0 ? "-" : "+") + padded(minutes / 60, 2) + padded(minutes % 60, 2)
    }

    private static func padded(_ number: some BinaryInteger, _ width: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
