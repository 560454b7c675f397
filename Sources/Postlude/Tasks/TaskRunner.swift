internal import Logging
internal import PostludeLogOutput
internal import PostludeScoreboard
internal import PostludeSystem
internal import PostludeThreads

/// Runs the tasks of a request on the calling worker, after its response.
struct TaskRunner {
    /// The state of a queue after a run.
    enum Progress: Equatable {
        case over
        /// The first task waits for its next attempt; run the queue again then.
        case waiting(until: MonotonicTime)
    }

    private let executor: WorkerExecutor
    private let logger: Logger
    let observability: Observability
    /// The worker's thread, whose stack is logged for a slow task.
    private let thread: SampledThread?
    /// The calling worker's slot on the scoreboard; nil if there is no status page.
    private let score: WorkerSlot?
    /// Called for each task that has failed for good.
    private let onFailure: @Sendable (TaskFailure) -> Void
    var now: @Sendable () -> MonotonicTime = { .now }
    /// Returns a number from -1 to 1, for the jitter of retries.
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

    /// Runs the tasks of `queue` one after another, including those that are added in the meantime.
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
    /// - Returns: nil if there is more to do now.
    func step(_ queue: TaskQueue) -> Progress? {
        for late in queue.giveUpLateRetries() {
            queue.registry.count(.failed(late.error), of: late.task)
            logFailure(
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

    /// Makes an attempt that has this thread to itself.
    private func runAlone(_ task: BackgroundTask, of queue: TaskQueue, at now: MonotonicTime) {
        let attempt = beginAttempt(task, of: queue, at: now)
        endAttempt(attempt, error: attempt.error(of: { try call(task, of: queue) }))
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

    private func beginAttempt(_ task: BackgroundTask, of queue: TaskQueue, at now: MonotonicTime)
        -> TaskAttempt
    {
        if let score {
            let (remaining, duration) = queue.shown
            score.run(
                task: task.name, of: queue.request.shown(duration: duration), remaining: remaining, at: now)
        }
        queue.registry.process?.count(task: task.name, waiting: max(.zero, now - task.due))
        return TaskAttempt(task, of: queue, at: now, observability)
    }

    /// Ends an attempt: decides whether another one follows, and counts and logs the result.
    private func endAttempt(_ attempt: TaskAttempt, error: (any Error)?) {
        let now = now()
        let result = attempt.queue.ended(attempt.task, error: error, at: now, random: random)
        attempt.endSpan(result.isFailure ? error : nil)
        attempt.queue.registry.count(result, of: attempt.task, taking: attempt.duration(until: now))
        log(result, of: attempt, until: now)
    }

    private func log(_ result: AttemptResult, of attempt: TaskAttempt, until now: MonotonicTime) {
        func metadata(_ error: (any Error)?) -> Logger.Metadata {
            var metadata = attempt.metadata(until: now)
            if let error { metadata["error"] = "\(LoggedError.text(error))" }
            return metadata
        }
        switch result {
        case .done: logger.info("task done", metadata: metadata(nil))
        case .retried(let error, let delay):
            var metadata = metadata(error)
            metadata["attempt"] = "\(attempt.task.failures) of \(attempt.task.options.retry.attempts)"
            metadata["delay"] = "\(delay.milliseconds) ms"
            logger.warning("task failed, and is retried", metadata: metadata)
        // The store says it once for all of its kind.
        case .released(let error) where error is any UnreadableTaskError:
            logger.debug("task is left to another version of this program", metadata: metadata(error))
        case .released(nil):
            logger.info(
                "task was interrupted by the end of the process, and is left for the next start",
                metadata: metadata(nil))
        case .released(let error):
            logger.warning("task failed, and is left for the next start", metadata: metadata(error))
        case .moved(let error, let queue):
            var metadata = metadata(error)
            metadata["queue"] = "\(queue)"
            logger.warning("task failed, and moves to a queue", metadata: metadata)
        case .postponed(let error, let delay, let counts):
            var metadata = metadata(error)
            metadata["delay"] = "\(delay.milliseconds) ms"
            if counts {
                metadata["attempt"] = "\(attempt.task.failures) of \(attempt.task.options.retry.attempts)"
                logger.warning("task failed, and is retried", metadata: metadata)
            } else {
                logger.info("task is postponed", metadata: metadata)
            }
        case .discarded(let reason):
            var metadata = metadata(nil)
            metadata["reason"] = "\(reason)"
            logger.notice("task discarded itself", metadata: metadata)
        case .failed(let error): logFailure(attempt, error, "task failed")
        case .cancelled: logger.notice("task ended, it was cancelled", metadata: metadata(nil))
        // Results of tasks that had no attempt.
        case .dropped, .stopped, .cutOff: break
        }
    }

    /// Logs that a task has failed for good, and calls `onFailure`.
    private func logFailure(_ attempt: TaskAttempt, _ error: any Error, _ message: Logger.Message) {
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

/// A task that has failed for good.
public struct TaskFailure: Sendable {
    /// The task's name.
    public let taskName: String
    /// The error that the last attempt threw.
    public let error: any Error
    /// The number of attempts.
    public let attempts: Int
    /// The id of the request whose handler has added the task.
    public let requestID: String
    /// The pattern of the request's route.
    public let route: String
}

extension TaskRunner {
    /// Runs the open group of `queue`: at most `limit` tasks at once, each one as soon as there is room.
    ///
    /// Called on the worker's thread, which waits for the last one.
    private func runGroup(of queue: TaskQueue, limit: Int) {
        guard limit > 1 else {
            while true {
                let now = now()
                guard let task = queue.nextOfGroup(at: now, on: thread) else { return }
                runAlone(task, of: queue, at: now)
            }
        }
        _ = executor.run {
            await withTaskGroup(of: Void.self) { group in
                // Each child takes one task after another, so that the next one starts when any has ended.
                for _ in 0..<limit {
                    guard let first = queue.nextOfGroup(at: now()) else { break }
                    group.addTask {
                        var next: BackgroundTask? = first
                        while let task = next {
                            await runConcurrently(task, of: queue)
                            next = queue.nextOfGroup(at: now())
                        }
                    }
                }
            }
        }
    }

    /// Makes an attempt that leaves the worker's thread to other tasks while it waits.
    private func runConcurrently(_ task: BackgroundTask, of queue: TaskQueue) async {
        let attempt = beginAttempt(task, of: queue, at: now())
        switch task.function {
        case .sync(let function):
            let error = await onOwnThread {
                let thread = SampledThread()
                queue.setThread(of: task, thread)
                thread.enter()
                defer { thread.leave() }
                return observability.withCurrentLogger { attempt.error(of: function) }
            }
            endAttempt(attempt, error: error)
        case .async(let function):
            // A Swift task of its own, to be cancelled without the others. It inherits the attempt's task-local values.
            let call = attempt.perform { Task(executorPreference: executor) { try await function() } }
            queue.setCancellation(of: task) { call.cancel() }
            switch await call.result {
            case .success: endAttempt(attempt, error: nil)
            case .failure(let error): endAttempt(attempt, error: error)
            }
        }
    }

    private func onOwnThread(_ body: @escaping @Sendable () -> (any Error)?) async -> (any Error)? {
        await withCheckedContinuation { continuation in
            do {
                try WorkerThread(name: "task") { continuation.resume(returning: body()) }.detach()
            } catch {
                // Without another thread, the group's tasks run one after another: slower, but correctly.
                continuation.resume(returning: body())
            }
        }
    }
}
