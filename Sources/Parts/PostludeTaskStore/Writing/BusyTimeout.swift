internal import Glibc
internal import PostludeSystem
internal import Synchronization

/// How long a connection waits while another process writes: what SQLite's busy handler asks.
///
/// SQLite's own one sleeps up to 100 ms at a time. A transaction here takes as long as an fsync, so that asking more
/// often pays.
final class BusyTimeout: Sendable {
    private let end: Atomic<Int64>

    init(until end: MonotonicTime) { self.end = Atomic(end.nanoseconds) }

    func last(until end: MonotonicTime) { self.end.store(end.nanoseconds, ordering: .relaxed) }

    /// - Returns: whether to try again, after a while.
    func wait(tries: Int) -> Bool {
        // The first tenth of a second is everybody's: a reader waits for no writer, but perhaps for one that recovers
        // the file, whatever the end of another one's wait is.
        guard tries < 64 || MonotonicTime.now.nanoseconds < end.load(ordering: .relaxed) else { return false }
        usleep(useconds_t(min(2_000, 100 << min(tries, 5))))
        return true
    }
}
