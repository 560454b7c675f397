import PostludeSystem

/// The worker threads of a process: how many there are, and how many of them may run tasks.
package final class WorkerPool: Sendable {
    package struct Bounds: Sendable, Equatable {
        package var minimum: Int
        package var maximum: Int
        /// Workers that never run tasks while the others do, so that long tasks cannot take all of them.
        package var reservedForRequests: Int
        /// How many workers may run tasks at once.
        package var taskPlaces: Int { maximum - reservedForRequests }

        package init(minimum: Int, maximum: Int, reservedForRequests: Int) {
            self.minimum = minimum
            self.maximum = maximum
            self.reservedForRequests = reservedForRequests
        }
    }

    private struct State {
        var bounds: Bounds
        /// Workers that serve, or are about to.
        var count = 0
        /// Threads that have not ended; a worker that retires still has one for a moment.
        var threads = 0
        var runningTasks = 0
        /// Whether `onTaskRoom` was last told that there is some.
        var hasTaskRoom = true
        var next = 0
        /// Of threads that have ended. Kept, because a job may still refer to one.
        var spareExecutors: [WorkerExecutor] = []
        /// Called when a worker may run tasks again; one for each that has been refused.
        var waitingForTaskSlot: [@Sendable () -> Void] = []
    }

    private let state: Lock<State>
    private let body: @Sendable (WorkerPool, WorkerExecutor) -> Bool
    private let onEmpty: @Sendable () -> Void
    private let onTaskRoom: @Sendable (Bool) -> Void

    /// - Parameters:
    ///   - onEmpty: called when the last worker has ended.
    ///   - onTaskRoom: told when no more workers may run tasks, and when more may again; must be short, and not use the
    ///     pool.
    ///   - body: what a worker does, with its pool and its executor; returns whether `retire` has let it go.
    package init(
        bounds: Bounds, onEmpty: @escaping @Sendable () -> Void,
        onTaskRoom: @escaping @Sendable (Bool) -> Void = { _ in },
        body: @escaping @Sendable (WorkerPool, WorkerExecutor) -> Bool
    ) {
        state = Lock(State(bounds: bounds))
        self.onEmpty = onEmpty
        self.onTaskRoom = onTaskRoom
        self.body = body
    }

    package var canGrow: Bool { state.withLock { $0.count < $0.bounds.maximum } }
    /// Whether every worker runs tasks, so that none will take a request soon.
    package var isBusyWithTasks: Bool { state.withLock { $0.runningTasks >= $0.count } }

    /// Starts the minimum of workers.
    package func start() throws(ThreadError) {
        for _ in 0..<state.withLock({ $0.bounds.minimum }) { try grow() }
    }

    /// Other bounds from now on: workers that are missing are started, those above the maximum go when they are idle.
    package func use(_ bounds: Bounds) throws(ThreadError) {
        let missing = state.withLock { state in
            state.bounds = bounds
            tellTaskRoom(&state)
            return max(0, bounds.minimum - state.count)
        }
        for _ in 0..<missing { try grow() }
    }

    /// Starts one more worker, unless there are as many as may be.
    ///
    /// - Returns: whether one was started.
    @discardableResult
    package func grow() throws(ThreadError) -> Bool {
        let place: (number: Int, executor: WorkerExecutor)? = state.withLock { state in
            guard state.count < state.bounds.maximum else { return nil }
            state.count += 1
            state.threads += 1
            state.next += 1
            return (state.next, state.spareExecutors.popLast() ?? WorkerExecutor())
        }
        guard let (number, executor) = place else { return false }
        do {
            try WorkerThread(name: "worker \(number)") { [self] in
                let hasRetired = body(self, executor)
                if ended(executor, stillCounts: !hasRetired) { onEmpty() }
            }.detach()
            return true
        } catch {
            _ = ended(executor, stillCounts: true)
            throw error
        }
    }

    /// Asked by a worker that has been idle for long: whether it may go. From then on it no longer counts.
    ///
    /// - Returns: true at most as often as there are workers above the minimum; the worker then ends.
    package func retire() -> Bool {
        state.withLock { state in
            guard state.count > state.bounds.minimum else { return false }
            state.count -= 1
            return true
        }
    }

    // MARK: Task slots

    /// Whether the calling worker may run tasks now.
    ///
    /// - Parameter whenFree: called once, if the answer is no, as soon as another worker has ended its tasks.
    package func beginTasks(whenFree: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            guard state.runningTasks < state.bounds.taskPlaces else {
                state.waitingForTaskSlot.append(whenFree)
                return false
            }
            state.runningTasks += 1
            tellTaskRoom(&state)
            return true
        }
    }

    package func endTasks() {
        // All of them: one alone might be in a long handler, and the slot would wait for it.
        let waiting = state.withLock { state in
            state.runningTasks -= 1
            tellTaskRoom(&state)
            defer { state.waitingForTaskSlot = [] }
            return state.waitingForTaskSlot
        }
        for call in waiting { call() }
    }

    /// Under the lock, so that the last word is the right one.
    private func tellTaskRoom(_ state: inout State) {
        let hasRoom = state.runningTasks < state.bounds.taskPlaces
        guard hasRoom != state.hasTaskRoom else { return }
        state.hasTaskRoom = hasRoom
        onTaskRoom(hasRoom)
    }

    /// - Returns: whether it was the last thread.
    private func ended(_ executor: WorkerExecutor, stillCounts: Bool) -> Bool {
        state.withLock { state in
            if stillCounts { state.count -= 1 }
            state.threads -= 1
            state.spareExecutors.append(executor)
            return state.threads == 0
        }
    }
}
