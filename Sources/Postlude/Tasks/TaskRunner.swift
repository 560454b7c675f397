internal import Logging
internal import PostludeScoreboard
internal import PostludeSystem
internal import PostludeThreads
internal import Tracing

/// Plays the postlude: runs the tasks of a request on the calling worker.
struct TaskRunner {
    /// How far a queue has come.
    enum Progress: Equatable {
        case over
        /// The first task waits for its next attempt; run the queue again then.
        case waiting(until: MonotonicTime)
    }

    let executor: WorkerExecutor
    let logger: Logger
    let observability: Observability
    /// The worker's thread, to be asked where a slow task is.
    let thread: SampledThread?
    /// The calling worker's; nil where nobody looks.
    let score: WorkerSlot?
    /// Told of each task that has failed for good.
    let onFailure: @Sendable (TaskFailure) -> Void
    var now: @Sendable () -> MonotonicTime = { .now }
    /// -1 to 1: the jitter of retries.
    var random: @Sendable () -> Double = { .random(in: -1...1) }

    init(
        executor: WorkerExecutor, logger: Logger, observability: Observability? = nil,
        score: WorkerSlot? = nil, thread: SampledThread? = nil,
        onFailure: @escaping @Sendable (TaskFailure) -> Void = { _ in }
    ) {
        self.executor = executor
        self.logger = logger
        self.observability = observability ?? Observability(logger: logger)
        self.thread = thread
        self.score = score
        self.onFailure = onFailure
    }

    /// Runs the tasks of `queue` one after another, also those that are added meanwhile.
    @discardableResult
    func run(_ queue: TaskQueue) -> Progress {
        while true {
            switch step(queue) {
            case nil: continue
            case let progress?: return progress
            }
        }
    }

    /// Runs the next task of `queue`, or its next group.
    ///
    /// - Returns: nil when more is to be done now.
    func step(_ queue: TaskQueue) -> Progress? {
        for late in queue.giveUpLateRetries() {
            observability.tasks?.count(late.task.name, .failed)
            queue.registry.process?.count(.failed, task: late.task.name, taking: nil)
            failed(
                TaskAttempt(late.task, of: queue, at: nil, observability), late.error,
                "task failed, the process ends before its next attempt")
        }
        let now = now()
        switch queue.next(at: now, on: thread) {
        case .task(let task):
            runAlone(task, of: queue, at: now)
            return nil
        case .group(let limit):
            runGroup(of: queue, limit: limit)
            return nil
        case .waiting(let due): return .waiting(until: due)
        case .over: return .over
        }
    }

    /// An attempt that has this thread for itself.
    func runAlone(_ task: BackgroundTask, of queue: TaskQueue, at now: MonotonicTime) {
        let attempt = begin(task, of: queue, at: now)
        end(attempt, error: attempt.error(of: { try call(task, of: queue) }))
    }

    /// Calls the task's function on this thread, which waits for its end.
    private func call(_ task: BackgroundTask, of queue: TaskQueue) throws {
        switch task.function {
        case .sync(let function): try function()
        case .async(let function):
            let result = executor.run {
                try await function()
            } started: { cancel in
                queue.setCancellation(of: task, cancel)
            }
            try result.get()
        }
    }

    // MARK: An attempt

    func begin(_ task: BackgroundTask, of queue: TaskQueue, at now: MonotonicTime) -> TaskAttempt {
        if let score {
            let (left, duration) = queue.shown
            score.run(task: task.name, of: queue.request.shown(duration: duration), left: left, at: now)
        }
        return TaskAttempt(task, of: queue, at: now, observability)
    }

    /// Logs and counts what became of an attempt, and decides whether there is another one.
    func end(_ attempt: TaskAttempt, error: (any Error)?) {
        let (task, queue, now) = (attempt.task, attempt.queue, now())
        let verdict = queue.ended(task, error: error, at: now, random: random)
        attempt.end(error)
        let told = error.map(task.told)
        queue.registry.process?.count(
            TaskOutcome(verdict), task: task.name, taking: attempt.duration(until: now))
        switch verdict {
        case .done:
            task.report(.done)
            observability.tasks?.record(task.name, .done, attempt.duration(until: now))
            logger.info("task done", metadata: attempt.metadata(until: now))
        case .retry(let delay):
            if let told { task.report(.retried(told, after: delay)) }
            observability.tasks?.record(task.name, .retried, attempt.duration(until: now))
            var metadata = attempt.metadata(until: now)
            metadata["error"] = error.map { "\(LoggedError.text($0))" }
            metadata["attempt"] = "\(task.failures) of \(task.options.retry.attempts)"
            metadata["delay"] = "\(delay.milliseconds) ms"
            logger.warning("task failed, and is tried again", metadata: metadata)
        case .left:
            if let told { task.report(.left(told)) }
            observability.tasks?.record(task.name, .retried, attempt.duration(until: now))
            var metadata = attempt.metadata(until: now)
            metadata["error"] = error.map { "\(LoggedError.text($0))" }
            logger.warning("task failed, and is left for the next start", metadata: metadata)
        case .moved(let queue):
            observability.tasks?.record(task.name, .retried, attempt.duration(until: now))
            var metadata = attempt.metadata(until: now)
            metadata["error"] = error.map { "\(LoggedError.text($0))" }
            metadata["queue"] = "\(queue)"
            logger.warning("task failed, and moves to a queue", metadata: metadata)
        case .failed:
            observability.tasks?.record(task.name, .failed, attempt.duration(until: now))
            if let error { failed(attempt, error, "task failed") }
        }
    }

    private func failed(_ attempt: TaskAttempt, _ error: any Error, _ message: Logger.Message) {
        let (task, queue) = (attempt.task, attempt.queue)
        var metadata = attempt.metadata(until: now())
        metadata["error"] = "\(LoggedError.text(error))"
        if task.attempts > 1 { metadata["attempts"] = "\(task.attempts)" }
        logger.error(message, metadata: metadata)
        attempt.perform {
            onFailure(
                TaskFailure(
                    taskName: task.name, error: error, attempts: task.attempts, requestID: queue.requestID,
                    route: queue.route))
        }
    }
}
