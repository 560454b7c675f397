import PostludeSystem
import Synchronization

/// How long the stages of a connection may take.
package struct ConnectionTimes: Sendable {
    /// From a connection's, or a head's, first byte to the head's last.
    package var head: Duration
    /// Between two pieces of a body.
    package var read: Duration
    /// How many bytes of a body a second buy a second more: all of it must have come within `read` and what
    /// its bytes so far have bought. Otherwise a byte now and then would hold a connection, or a worker, for
    /// ever.
    package var leastRate: Int
    /// For one response.
    package var write: Duration
    /// For what a finished request still sends.
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

    /// How long a body of which so many bytes have come may take altogether.
    ///
    /// - Parameter pause: the longest time between two pieces.
    func body(of bytes: Int, pause: Duration) -> Duration {
        let milliseconds = bytes.multipliedReportingOverflow(by: 1000)
        guard !milliseconds.overflow, leastRate > 0 else { return .seconds(Int64.max / 2_000_000_000) }
        return pause + .milliseconds(milliseconds.partialValue / leastRate)
    }
}

/// When a process that drains gives up the requests which have not come to their end; shared by its
/// connections.
final class DrainDeadline: Sendable {
    private let nanoseconds = Atomic<Int64>(.max)

    /// nil as long as the process does not drain.
    var time: MonotonicTime? {
        let value = nanoseconds.load(ordering: .relaxed)
        return value == .max ? nil : MonotonicTime(nanoseconds: value)
    }

    /// - Parameter time: counts only when it is earlier than what was set before.
    func set(_ time: MonotonicTime) { nanoseconds.min(time.nanoseconds, ordering: .relaxed) }
}
