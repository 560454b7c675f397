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
    private var ready: [TaskQueue] = []
    /// Queues whose first task waits for its next attempt.
    private var delayed = DelayedQueues()
    /// Whether the last tasks took long. Then this worker steps aside before it runs the next ones
    /// (`Poller.stepAside`). Short tasks are over before another worker would be awake. If tasks are long for the first
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

    /// Whether there is nothing to run, now or later.
    var isEmpty: Bool { ready.isEmpty && delayed.isEmpty }

    /// How many tasks wait.
    var queuedCount: Int {
        (ready + delayed.queues).reduce(0) { $0 + $1.census.queued }
    }

    func add(_ queue: TaskQueue) { ready.append(queue) }

    /// Adds one queue that no request of this process has filled.
    func addPosted() { if let queue = server.dispatch.nextPosted() { ready.append(queue) } }

    // MARK: Waiting

    /// If tasks wait for a task slot, waits until one is free, or `descriptor` is readable.
    func waitForSlot(or descriptor: Int32) {
        if !ready.isEmpty { waitForInput([slot.descriptor, descriptor], milliseconds: -1) }
    }

    /// How long the worker may wait for events until it has tasks to run.
    func waitMilliseconds(atMost limit: @autoclosure () -> Int32) -> Int32 {
        ready.isEmpty ? delayed.milliseconds(at: .now, atMost: limit()) : 0
    }

    // MARK: Running

    /// Runs what is due, as far as this worker may run tasks: some workers can be reserved for requests.
    ///
    /// - Returns: whether anything was due.
    func runDue(at now: MonotonicTime) -> Bool {
        ready += delayed.takeDue(at: now)
        let isDue = !ready.isEmpty
        runReady()
        return isDue
    }

    /// The process stops: runs what is left. Waits for retries, as far as their time is within the grace.
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
                if let record = queue.access { server.logs.access?.write(record, tasks: queue.tally) }
            case .waiting(let due): delayed.add(queue, until: due)
            }
            if !evenIfReserved { slot.release() }
        }
        takesLong = .now - start > .microseconds(200)
    }
}
