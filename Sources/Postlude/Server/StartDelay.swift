internal import PostludeSystem

/// The back-off after a worker could not be started.
final class StartDelay: Sendable {
    private struct State {
        var backoff = Backoff(initial: .milliseconds(100), maximum: .seconds(10))
        var end = MonotonicTime(nanoseconds: .min)
    }

    private let state = Lock(State())

    func isOver(at now: MonotonicTime = .now) -> Bool { state.withLock { $0.end <= now } }

    /// Doubles the delay, from 100 milliseconds up to 10 seconds.
    func failed() { state.withLock { $0.end = .now + $0.backoff.next() } }

    func succeeded() { state.withLock { $0.backoff.reset() } }
}
