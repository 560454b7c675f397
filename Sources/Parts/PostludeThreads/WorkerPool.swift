import PostludeSystem

/// The worker threads of a process: how many there are, and how many of them may run tasks.
package final class WorkerPool: Sendable {
    package struct Bounds: Sendable, Equatable {
        package var minimum: Int
        package var maximum: Int
        /// The number of workers that are kept from running tasks while the others do, so that long tasks cannot occupy
        /// all of them.
        package var reservedForRequests: Int
        /// The number of workers that may run tasks at the same time.
        package var taskSlots: Int { maximum - reservedForRequests }

        package init(minimum: Int, maximum: Int, reservedForRequests: Int) {
            self.minimum = minimum
            self.maximum = maximum
            self.reservedForRequests = reservedForRequests
        }
    }

    private struct State {
        var bounds: Bounds
        /// The number of workers that serve, or are about to.
        var count = 0
        /// The number of threads that have not ended; a worker that retires still has one for a moment.
        var threads = 0
        var runningTasks = 0
        /// The last value that `onTaskRoom` was called with.
        var hasTaskRoom = true
        var next = 0
        /// The executors of threads that have ended. They are kept because a job may still refer to one.
        var spareExecutors: [WorkerExecutor] = []
        /// Called when a worker may run tasks again; one function for each worker that was refused.
        var waitingForTaskSlot: [@Sendable () -> Void] = []
    }

    private let state: Lock<State>
    private let body: @Sendable (WorkerPool, WorkerExecutor) -> Bool
    private let onEmpty: @Sendable () -> Void
    private let onTaskRoom: @Sendable (Bool) -> Void

    /// - Parameters:
    ///   - onEmpty: called when the last worker has ended.
    ///   - onTaskRoom: called with false when no more workers may run tasks, and with true when they may again. It must
    ///     be short, and must not use the pool.
    ///   - body: the function of a worker, called with its pool and executor; returns whether it ends because of
    ///     `retire`.
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

    /// Starts the minimum number of workers.
    package func start() throws(ThreadError) {
        for _ in 0..<state.withLock({ $0.bounds.minimum }) { try grow() }
    }

    /// Changes the bounds: starts missing workers; those above the maximum end when they are idle.
    package func use(_ bounds: Bounds) throws(ThreadError) {
        let missing = state.withLock { state in
            state.bounds = bounds
            notifyTaskRoom(&state)
            return max(0, bounds.minimum - state.count)
        }
        for _ in 0..<missing { try grow() }
    }

    /// Starts one more worker, unless the maximum is reached.
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

    /// Asks whether the calling worker, which has been idle for long, may end. If so, it no longer counts.
    ///
    /// - Returns: true if there are more workers than the minimum; the worker must then end.
    package func retire() -> Bool {
        state.withLock { state in
            guard state.count > state.bounds.minimum else { return false }
            state.count -= 1
            return true
        }
    }

    // MARK: Task slots

    /// Asks whether the calling worker may run tasks now.
    ///
    /// - Parameter whenFree: called once, if the answer is no, as soon as another worker has ended its tasks.
    package func beginTasks(whenFree: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            guard state.runningTasks < state.bounds.taskSlots else {
                state.waitingForTaskSlot.append(whenFree)
                return false
            }
            state.runningTasks += 1
            notifyTaskRoom(&state)
            return true
        }
    }

    package func endTasks() {
        // All of them are called: a single worker might be in a long handler, and the slot would stay unused.
        let waiting = state.withLock { state in
            state.runningTasks -= 1
            notifyTaskRoom(&state)
            defer { state.waitingForTaskSlot = [] }
            return state.waitingForTaskSlot
        }
        for call in waiting { call() }
    }

    /// Reports a change of the room for tasks. Called under the lock, so that the calls have the order of the changes.
    private func notifyTaskRoom(_ state: inout State) {
        let hasRoom = state.runningTasks < state.bounds.taskSlots
        guard hasRoom != state.hasTaskRoom else { return }
        state.hasTaskRoom = hasRoom
        onTaskRoom(hasRoom)
    }

    /// Accounts for the end of a thread.
    ///
    /// - Returns: whether it was the last one.
    private func ended(_ executor: WorkerExecutor, stillCounts: Bool) -> Bool {
        state.withLock { state in
            if stillCounts { state.count -= 1 }
            state.threads -= 1
            state.spareExecutors.append(executor)
            return state.threads == 0
        }
    }
}
