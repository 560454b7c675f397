internal import PostludeSystem
internal import PostludeThreads

/// The responses of a process that have no end of their own: a process that drains ends them.
final class OpenStreams: Sendable {
    private struct State {
        var isEnding = false
        var cancellations: [Int: @Sendable () -> Void] = [:]
        var next = 0
    }

    private let state = Lock(State())

    /// - Parameter cancel: called at once when the process drains already.
    /// - Returns: what to give to `remove`.
    func add(_ cancel: @escaping @Sendable () -> Void) -> Int {
        let (place, isEnding) = state.withLock { state in
            state.next += 1
            state.cancellations[state.next] = cancel
            return (state.next, state.isEnding)
        }
        if isEnding { cancel() }
        return place
    }

    func remove(_ place: Int) {
        _ = state.withLock { $0.cancellations.removeValue(forKey: place) }
    }

    var isEnding: Bool { state.withLock { $0.isEnding } }

    /// Cancels those that are open, and those that will be.
    func end() {
        let all = state.withLock { state in
            state.isEnding = true
            return Array(state.cancellations.values)
        }
        for cancel in all { Cancellation.request(cancel) }
    }
}
