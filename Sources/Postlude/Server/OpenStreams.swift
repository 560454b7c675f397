internal import PostludeSystem
internal import PostludeThreads

/// The endless responses of a process, such as event streams, which are ended when the process drains.
final class OpenStreams: Sendable {
    private struct State {
        var isEnding = false
        var cancellations: [Int: @Sendable () -> Void] = [:]
        var next = 0
    }

    private let state = Lock(State())

    /// Adds a response.
    ///
    /// - Parameter cancel: ends the response. Called at once if the process drains already.
    /// - Returns: a key for `remove`.
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

    /// Cancels all open responses, and each that is added later.
    func end() {
        let all = state.withLock { state in
            state.isEnding = true
            return Array(state.cancellations.values)
        }
        for cancel in all { Cancellation.request(cancel) }
    }
}
