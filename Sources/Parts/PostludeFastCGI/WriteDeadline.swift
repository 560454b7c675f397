import Glibc
package import PostludeSystem

/// The time by which a worker's response must be written, watched by the control thread.
///
/// SO_SNDTIMEO bounds one write; a peer that takes a few bytes at a time could draw a response out for ever.
package final class WriteDeadline: Sendable {
    private let current = Lock<(descriptor: Int32, deadline: MonotonicTime)?>(nil)

    package init() {}

    /// Starts the time limit of a response that the worker writes to `descriptor`.
    package func start(_ descriptor: Int32, within time: Duration) {
        let deadline = MonotonicTime.now + time
        current.withLock { $0 = (descriptor, deadline) }
    }

    /// Ends the time limit: the worker has written everything, and the descriptor may go to another connection.
    package func stop() {
        current.withLock { $0 = nil }
    }

    /// Shuts down the connection if its write is late, so that the worker gets an error at once.
    ///
    /// - Returns: whether a write was late.
    package func expire(at now: MonotonicTime) -> Bool {
        current.withLock { current in
            guard let (descriptor, deadline) = current, deadline <= now else { return false }
            // Under the lock, while the number still belongs to this connection.
            shutdown(descriptor, Int32(SHUT_RDWR))
            current = nil
            return true
        }
    }
}
