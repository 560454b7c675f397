internal import PostludeSystem

/// The back-off after a worker could not be started.
final class StartDelay: Sendable {
    private let state = Lock((delay: Duration.zero, end: MonotonicTime(nanoseconds: .min)))

    func isOver(at now: MonotonicTime = .now) -> Bool { state.withLock { $0.end <= now } }

    /// Doubles the delay, from 100 milliseconds up to 10 seconds.
    func failed() {
        state.withLock { state in
            state.delay = min(max(state.delay * 2, .milliseconds(100)), .seconds(10))
            state.end = .now + state.delay
        }
    }

    func succeeded() { state.withLock { $0.delay = .zero } }
}
