internal import Glibc
internal import PostludeFastCGI

/// The moment at which the web server has sent a request: the parameter `REQUEST_START`, nginx's `$msec`.
///
/// Only the web server can tell for how long a request has waited: while all workers are busy, it waits in a queue of the
/// kernel, which does not say since when.
enum RequestStart {
    /// A longer wait is that of a machine with another time.
    private static let longestWait: Int64 = 3_600_000_000_000

    /// Returns how long a request has waited until now; nil if the web server has not said when it has sent the request.
    static func wait(of head: RequestHead) -> Duration? {
        guard let start = head.value("REQUEST_START").flatMap(nanoseconds) else { return nil }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return wait(since: start, until: Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec))
    }

    /// - Returns: nil if the clocks differ.
    static func wait(since start: Int64, until now: Int64) -> Duration? {
        let wait = now - start
        guard abs(wait) <= longestWait else { return nil }
        return .nanoseconds(max(0, wait))
    }

    /// Reads seconds since 1970, with at most nine decimals.
    ///
    /// - Returns: the nanoseconds since 1970; nil if the text is something else.
    static func nanoseconds(_ text: ArraySlice<UInt8>) -> Int64? {
        // Up to the year 2286, so that nothing overflows.
        guard text.count <= 20 else { return nil }
        var (seconds, decimals, unit): (Int64, Int64, Int64) = (0, 0, 1_000_000_000)
        var isFraction = false
        for byte in text {
            if byte == UInt8(ascii: "."), !isFraction {
                isFraction = true
                continue
            }
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            let digit = Int64(byte - UInt8(ascii: "0"))
            if isFraction {
                guard unit > 1 else { return nil }
                unit /= 10
                decimals += digit * unit
            } else {
                guard seconds < 1_000_000_000 else { return nil }
                seconds = seconds * 10 + digit
            }
        }
        guard seconds > 0, text.last != UInt8(ascii: ".") else { return nil }
        return seconds * 1_000_000_000 + decimals
    }
}
