internal import DequeModule
package import Logging
package import PostludeManifest
package import PostludeSystem
internal import PostludeThreads

/// A pool of workers that run durable tasks from elsewhere, and serve no requests.
package final class TaskWorkerPool: TaskDispatching {
    private let registry: TaskRegistry
    private let queues = BlockingTaskQueue()
    private let limits: Manifest.TaskLimits
    private let logger: Logger
    private let observability: Observability
    private let taskFailed: @Sendable (TaskFailure) -> Void

    /// - Parameters:
    ///   - application: the application, which tasks find in their context.
    ///   - store: the store that has the tasks; nil if they come from elsewhere.
    ///   - taskFailed: called for each task that has failed for good.
    package init(
        for application: any Sendable, limits: Manifest.TaskLimits, logger: Logger,
        store: (any TaskStore)? = nil,
        taskFailed: @escaping @Sendable (TaskFailure) -> Void
    ) {
        observability = .bootstrapped(logger: Logger(label: "application"))
        registry = TaskRegistry(of: application, metrics: observability.tasks, store: store)
        self.limits = limits
        self.logger = logger
        self.taskFailed = taskFailed
    }

    /// Starts the workers.
    package func start(workers count: Int) throws {
        for number in 1...max(1, count) {
            try WorkerThread(name: "worker \(number)") { self.work() }.detach()
        }
    }

    package var isClosed: Bool { queues.isClosed }

    /// Whether the pool has no task.
    package var isIdle: Bool { registry.all.isEmpty }

    /// Has the next free worker run a task.
    ///
    /// - Parameters:
    ///   - time: the earliest time at which it may begin; nil if it may begin at once.
    ///   - onCompletion: called once, when this pool no longer has the task.
    package func run(
        _ task: any PersistedTask, of origin: TaskOrigin, notBefore time: MonotonicTime? = nil,
        onCompletion: @escaping @Sendable () -> Void
    ) {
        run([task], of: origin, notBefore: time, onCompletion: onCompletion)
    }

    package func post(
        _ tasks: [any PersistedTask], of origin: TaskOrigin, onCompletion: @escaping @Sendable () -> Void
    ) {
        run(tasks, of: origin, notBefore: nil, onCompletion: onCompletion)
    }

    package func cancel(_ ids: Set<String>) { registry.cancel(ids) }

    private func run(
        _ tasks: [any PersistedTask], of origin: TaskOrigin, notBefore time: MonotonicTime?,
        onCompletion: @escaping @Sendable () -> Void
    ) {
        let queue = TaskQueue(
            of: RequestIdentity(id: origin.requestID, route: origin.route), limits: limits, logger: logger,
            registry: registry, onCompletion: onCompletion)
        queue.add(persisted: tasks)
        registry.insert(queue)
        if !queues.add(queue, until: time) { release(queue) }
    }

    /// Checks the time limits of the running tasks. Called by one thread, every ``tickMilliseconds``.
    ///
    /// - Parameter replace: called with the reason if a task is past `tasks.kill-time`.
    package func checkTimeLimits(replace: (String) -> Void) {
        var report = StackReport()
        let now = MonotonicTime.now
        for queue in registry.all { queue.check(at: now, report: &report, replace: replace) }
    }

    /// The interval at which ``checkTimeLimits(replace:)`` should be called, in milliseconds.
    package var tickMilliseconds: Int32 {
        let times = [limits.warn, limits.deadline, limits.killTime].compactMap(\.self)
        let shortest = (times.min() ?? .seconds(4)).saturatedNanoseconds / 4_000_000
        return registry.tickMilliseconds(min(1000, max(10, Int32(clamping: shortest))))
    }

    /// Gives workers no more task queues. Those that wait are left to their store at once. One that is running goes on, also
    /// with its later tasks, until one has to be retried: then that one and the later ones are left.
    ///
    /// - Parameter end: the time at which tasks that still run will be left.
    package func drain(until end: MonotonicTime) {
        registry.setGraceEnd(end)
        for queue in queues.close() { release(queue) }
    }

    /// Logs the tasks that still run when the grace is over.
    package func logUnfinished() { registry.logUnfinished(to: logger) }

    private func release(_ queue: TaskQueue) {
        _ = queue.releaseStored()
        registry.remove(queue)
    }

    private func work() {
        let executor = WorkerExecutor()
        let thread = SampledThread(isSuspended: { executor.isSuspended })
        let runner = TaskRunner(
            executor: executor, logger: logger, observability: observability, thread: thread,
            onFailure: taskFailed)
        observability.withCurrentLogger {
            while let queue = queues.next() {
                thread.enter()
                let progress = runner.run(queue)
                thread.leave()
                switch progress {
                case .over: registry.remove(queue)
                case .waiting(let due): if !queues.add(queue, until: due) { release(queue) }
                }
            }
        }
        // Leaked on purpose: a job may still refer to it.
        _ = Unmanaged.passRetained(executor)
    }
}

/// The task queues that wait for a worker of a pool, and the delayed ones.
private final class BlockingTaskQueue: Sendable {
    private struct State {
        var ready = Deque<TaskQueue>()
        var delayed = DelayedQueues()
        var isClosed = false
    }

    private let state = ConditionLock(State())

    /// - Parameter time: the earliest time at which a worker may take `queue`; nil if it may be taken at once.
    /// - Returns: false if this queue is closed.
    func add(_ queue: TaskQueue, until time: MonotonicTime? = nil) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            if let time { state.delayed.add(queue, until: time) } else { state.ready.append(queue) }
            // A delayed queue signals, too, because a waiting worker must shorten its wait.
            self.state.signal()
            return true
        }
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Waits for the next task queue.
    ///
    /// - Returns: nil if this queue is closed.
    func next() -> TaskQueue? {
        state.wait { state in
            guard !state.isClosed else { return .stop(nil) }
            let now = MonotonicTime.now
            for queue in state.delayed.takeDue(at: now) { state.ready.append(queue) }
            if let queue = state.ready.popFirst() {
                // Several queues may have become due with one signal.
                if !state.ready.isEmpty { self.state.signal() }
                return .stop(queue)
            }
            guard !state.delayed.isEmpty else { return .wait(until: nil) }
            return .wait(
                until: now + .milliseconds(Int64(state.delayed.milliseconds(at: now, atMost: 60_000))))
        }
    }

    /// Closes this queue: workers get no more task queues.
    ///
    /// - Returns: the task queues that no worker has taken.
    func close() -> [TaskQueue] {
        state.withLock { state in
            state.isClosed = true
            self.state.broadcast()
            defer { state.ready = Deque() }
            return Array(state.ready) + state.delayed.takeAll()
        }
    }
}
