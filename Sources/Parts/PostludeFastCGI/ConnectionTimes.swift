import PostludeSystem
import Synchronization

/// The time limits for the stages of a connection.
package struct ConnectionTimes: Sendable {
    /// From the accept of a connection, or the first byte of a later head, to the last byte of the head.
    package var head: Duration
    /// Between two pieces of a body.
    package var read: Duration
    /// The lowest rate of a body, in bytes per second: all of it must arrive within `read` and the time that its bytes
    /// so far take at this rate. Otherwise a byte now and then could hold a connection, or a worker, for ever.
    package var leastRate: Int
    /// For one response.
    package var write: Duration
    /// For what the web server still sends after a request is finished.
    package var linger: Duration

    package init(
        head: Duration = .seconds(10), read: Duration = .seconds(60), write: Duration = .seconds(60),
        linger: Duration = .seconds(10), leastRate: Int = 500
    ) {
        self.head = head
        self.read = read
        self.write = write
        self.linger = linger
        self.leastRate = leastRate
    }

    /// Returns the longest time that a body may take in total, given the number of bytes that have arrived.
    ///
    /// - Parameter pause: the longest time between two pieces.
    func body(of bytes: Int, pause: Duration) -> Duration {
        let milliseconds = bytes.multipliedReportingOverflow(by: 1000)
        guard !milliseconds.overflow, leastRate > 0 else { return .seconds(Int64.max / 2_000_000_000) }
        return pause + .milliseconds(milliseconds.partialValue / leastRate)
    }
}

/// The time at which a draining process stops waiting for requests that have arrived only in part; shared by its
/// connections.
final class DrainDeadline: Sendable {
    private let nanoseconds = Atomic<Int64>(.max)

    /// The deadline; nil as long as the process does not drain.
    var time: MonotonicTime? {
        let value = nanoseconds.load(ordering: .relaxed)
        return value == .max ? nil : MonotonicTime(nanoseconds: value)
    }

    /// Sets the deadline, unless an earlier one is set.
    func set(_ time: MonotonicTime) { nanoseconds.min(time.nanoseconds, ordering: .relaxed) }
}
