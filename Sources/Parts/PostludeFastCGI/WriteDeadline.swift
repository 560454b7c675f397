import Glibc
package import PostludeSystem

/// The time by which a worker's response must be written, watched by the control thread.
///
/// SO_SNDTIMEO bounds one write; a peer that takes a few bytes at a time could draw a response out for ever.
package final class WriteDeadline: Sendable {
    private let current = Lock<(descriptor: Int32, deadline: MonotonicTime)?>(nil)

    package init() {}

    /// The worker writes to `descriptor` from now on.
    package func start(_ descriptor: Int32, within time: Duration) {
        let deadline = MonotonicTime.now + time
        current.withLock { $0 = (descriptor, deadline) }
    }

    /// The worker has written everything, and will finish; the descriptor may go to another connection.
    package func stop() {
        current.withLock { $0 = nil }
    }

    /// Ends a write that is late: the worker sees an error at once.
    ///
    /// - Returns: whether there was one.
    package func expire(at now: MonotonicTime) -> Bool {
        current.withLock { current in
            guard let (descriptor, deadline) = current, deadline <= now else { return false }
            // Under the lock, while the number still means this connection.
            shutdown(descriptor, Int32(SHUT_RDWR))
            current = nil
            return true
        }
    }
}
