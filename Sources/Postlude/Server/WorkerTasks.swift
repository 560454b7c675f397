internal import DequeModule
internal import PostludeFastCGI
internal import PostludeLogOutput
internal import PostludeScoreboard
internal import PostludeSystem
internal import PostludeThreads

/// The tasks of one worker: those of the requests that it has served, and those that were posted to it.
final class WorkerTasks {
    private let server: ServerContext
    private let runner: TaskRunner
    private let thread: SampledThread
    private let slot: TaskSlot
    /// Queues that wait until this worker may run tasks.
    private var ready = Deque<TaskQueue>()
    /// Queues whose next task waits for another attempt.
    private var delayed = DelayedQueues()
    /// Whether the last tasks took long. If so, this worker steps aside before it runs the next ones
    /// (`Poller.stepAside`). Short tasks end before another worker would be awake. When tasks take long for the first
    /// time, the control thread sees that events wait, and calls a worker.
    private var takesLong = true

    init(
        _ server: ServerContext, pool: WorkerPool, executor: WorkerExecutor, thread: SampledThread,
        score: WorkerSlot?
    ) throws {
        self.server = server
        self.thread = thread
        runner = TaskRunner(
            executor: executor, logger: server.logger, observability: server.observability, score: score,
            thread: thread, onFailure: server.taskFailed)
        slot = try TaskSlot(pool: pool)
    }

    /// Whether there are no tasks, neither ready nor delayed.
    var isEmpty: Bool { ready.isEmpty && delayed.isEmpty }

    /// The number of waiting tasks.
    var queuedCount: Int {
        (ready + delayed.queues).reduce(0) { $0 + $1.counts.queued }
    }

    func add(_ queue: TaskQueue) { ready.append(queue) }

    /// Adds one queue that was posted to the process, and does not belong to a request of it.
    func addPosted() { if let queue = server.dispatch.nextPosted() { ready.append(queue) } }

    // MARK: Waiting

    /// Waits until a task slot may be free, or `descriptor` is readable. Returns at once if no task waits for a slot.
    func waitForSlot(or descriptor: Int32) {
        if !ready.isEmpty { waitForInput([slot.descriptor, descriptor], milliseconds: -1) }
    }

    /// Returns how long the worker may wait for events before it has tasks to run, in milliseconds.
    func waitMilliseconds(atMost limit: @autoclosure () -> Int32) -> Int32 {
        ready.isEmpty ? delayed.milliseconds(at: .now, atMost: limit()) : 0
    }

    // MARK: Running

    /// Runs the tasks that are due, if this worker may run tasks: some workers can be reserved for requests.
    ///
    /// - Returns: whether any task was due.
    func runDue(at now: MonotonicTime) -> Bool {
        ready += delayed.takeDue(at: now)
        let isDue = !ready.isEmpty
        runReady()
        return isDue
    }

    /// Runs the remaining tasks when the process stops. Waits for retries that are due within the grace period.
    func runLast() {
        ready += delayed.takeAll()
        runReady(evenIfReserved: true)
        while !delayed.isEmpty {
            waitForInput([], milliseconds: delayed.milliseconds(at: .now, atMost: 1000))
            ready += delayed.takeDue(at: .now)
            runReady(evenIfReserved: true)
        }
    }

    private func runReady(evenIfReserved: Bool = false) {
        guard !ready.isEmpty else { return }
        if takesLong { server.poller.stepAside() }
        let start = MonotonicTime.now
        thread.enter()
        defer { thread.leave() }
        while !ready.isEmpty, evenIfReserved || slot.acquire() {
            let queue = ready.removeFirst()
            switch runner.run(queue) {
            case .over:
                server.registry.remove(queue)
                if let record = queue.access { server.logs.access?.write(record, tasks: queue.resultCounts) }
            case .waiting(let due): delayed.add(queue, until: due)
            }
            if !evenIfReserved { slot.release() }
        }
        takesLong = .now - start > .microseconds(200)
    }
}
