internal import PostludeSystem

/// How many workers have started, and the back-off after one could not.
final class WorkerStarts: Sendable {
    private struct State {
        var backoff = Backoff(initial: .milliseconds(100), maximum: .seconds(10))
        /// The time at which the back-off is over.
        var end = MonotonicTime(nanoseconds: .min)
        var successes = 0
        var failures = 0
    }

    private let state = ConditionLock(State())

    /// Whether another worker may be started.
    func isBackoffOver(at now: MonotonicTime = .now) -> Bool { state.withLock { $0.end <= now } }

    /// Doubles the back-off, from 100 milliseconds up to 10 seconds.
    func failed() {
        state.withLock { state in
            state.end = .now + state.backoff.next()
            state.failures += 1
        }
        state.broadcast()
    }

    func succeeded() {
        state.withLock { state in
            state.backoff.reset()
            state.successes += 1
        }
        state.broadcast()
    }

    /// Blocks until so many workers have started or failed to.
    ///
    /// - Returns: whether at least one has started, or none was to.
    func wait(for count: Int) -> Bool {
        state.wait { state in
            state.successes + state.failures < count
                ? .wait(until: nil) : .stop(count == 0 || state.successes > 0)
        }
    }
}
