internal import PostludeSystem

/// When a worker may be started again, after one could not be.
final class StartDelay: Sendable {
    private let state = Lock((delay: Duration.zero, end: MonotonicTime(nanoseconds: .min)))

    func isOver(at now: MonotonicTime = .now) -> Bool { state.withLock { $0.end <= now } }

    /// Each failure doubles the delay, up to ten seconds.
    func failed() {
        state.withLock { state in
            state.delay = min(max(state.delay * 2, .milliseconds(100)), .seconds(10))
            state.end = .now + state.delay
        }
    }

    func succeeded() { state.withLock { $0.delay = .zero } }
}
