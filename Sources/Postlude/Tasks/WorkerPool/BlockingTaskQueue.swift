internal import PostludeSystem

/// The queues that wait for a worker of a pool, and those whose time has not come.
final class BlockingTaskQueue: Sendable {
    private struct State {
        var ready = FIFO<TaskQueue>()
        var delayed = DelayedQueues()
        var isClosed = false
    }

    private let state = ConditionLock(State())

    /// - Parameter time: before which no worker takes it; nil for at once.
    /// - Returns: false if this queue is closed.
    func add(_ queue: TaskQueue, until time: MonotonicTime? = nil) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            if let time { state.delayed.add(queue, until: time) } else { state.ready.append(queue) }
            // Also for one that is delayed: a worker that waits must know until when.
            self.state.signal()
            return true
        }
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Waits for the next one.
    ///
    /// - Returns: nil if this queue is closed.
    func next() -> TaskQueue? {
        state.wait { state in
            guard !state.isClosed else { return .stop(nil) }
            let now = MonotonicTime.now
            for queue in state.delayed.takeDue(at: now) { state.ready.append(queue) }
            if let queue = state.ready.popFirst() {
                // One signal may have been for several that were due.
                if !state.ready.isEmpty { self.state.signal() }
                return .stop(queue)
            }
            guard !state.delayed.isEmpty else { return .wait(until: nil) }
            return .wait(
                until: now + .milliseconds(Int64(state.delayed.milliseconds(at: now, atMost: 60_000))))
        }
    }

    /// Workers get no more from now on.
    ///
    /// - Returns: those that no worker has taken.
    func close() -> [TaskQueue] {
        state.withLock { state in
            state.isClosed = true
            self.state.broadcast()
            defer { state.ready = FIFO() }
            return state.ready.elements + state.delayed.takeAll()
        }
    }
}
