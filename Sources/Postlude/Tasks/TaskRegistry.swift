internal import Logging
internal import PostludeScoreboard
internal import PostludeSystem
internal import Synchronization

/// The unfinished task queues of a process. The control thread checks their time limits, and logs what is left at the end.
final class TaskRegistry: Sendable {
    private let queues = Lock<[ObjectIdentifier: TaskQueue]>([:])
    /// The time at which the process ends at the latest, in nanoseconds; `Int64.max` while it serves.
    private let endOfGrace = Atomic<Int64>(.max)
    private let shortestDeadline = Atomic<Int64>(.max)
    let metrics: TaskMetrics?
    /// The slot in which tasks are counted for the status page; nil if there is no such page.
    let process: ProcessSlot?
    /// The store that persists tasks; nil if the application has no durable tasks.
    let store: (any TaskStore)?
    /// The application, which tasks find in their context.
    let application: (any Sendable)?

    init(
        of application: (any Sendable)? = nil, metrics: TaskMetrics? = nil, process: ProcessSlot? = nil,
        store: (any TaskStore)? = nil
    ) {
        self.application = application
        self.metrics = metrics
        self.process = process
        self.store = store
    }

    func insert(_ queue: TaskQueue) {
        queues.withLock { $0[ObjectIdentifier(queue)] = queue }
    }

    func remove(_ queue: TaskQueue) {
        guard queues.withLock({ $0.removeValue(forKey: ObjectIdentifier(queue)) }) != nil else { return }
        queue.onCompletion?()
    }

    /// Removes all queues. The tasks that are left do not run.
    func removeAll() {
        let left = queues.withLock { queues in
            defer { queues = [:] }
            return queues
        }
        // Released after the lock: what they hold may use the registry.
        withExtendedLifetime(left) {}
    }

    var all: [TaskQueue] { queues.withLock { Array($0.values) } }

    /// The time at which a process that stops ends at the latest; nil while it serves. Later retries are not made.
    var graceEnd: MonotonicTime? {
        let end = endOfGrace.load(ordering: .acquiring)
        return end == .max ? nil : MonotonicTime(nanoseconds: end)
    }

    func setGraceEnd(_ time: MonotonicTime) { endOfGrace.store(time.nanoseconds, ordering: .releasing) }

    /// Records the deadline of a task, so that the control thread checks deadlines often enough for it.
    func note(deadline: Duration) {
        _ = shortestDeadline.min(max(0, deadline.saturatedNanoseconds), ordering: .relaxed)
    }

    /// Returns the interval at which the control thread checks deadlines, in milliseconds: `usual`, or a quarter of the
    /// shortest deadline of a task if that is less, but at least 10.
    func tickMilliseconds(_ usual: Int32) -> Int32 {
        let shortest = shortestDeadline.load(ordering: .relaxed)
        return min(usual, max(10, Int32(clamping: shortest / 4_000_000)))
    }

    /// Cancels persisted tasks.
    func cancel(_ ids: Set<String>) {
        for queue in all { queue.cancel(ids) }
    }

    /// Counts the result of a task for metrics and the status page.
    ///
    /// - Parameter duration: the duration of the attempt; nil if there was none.
    func count(_ result: AttemptResult, of task: BackgroundTask, taking duration: Duration? = nil) {
        guard let outcome = result.outcome else { return }
        metrics?.count(outcome, task: task.name, taking: duration)
        process?.count(outcome, task: task.name, taking: duration)
    }

    /// Logs the tasks that are left at the end of the process, and leaves the persisted ones to their store.
    ///
    /// - Parameter limit: the number of tasks that are named; the others are only counted.
    /// - Returns: the number of lost tasks: those that are left and not persisted.
    @discardableResult
    func logUnfinished(to logger: Logger, limit: Int = 100) -> Int {
        var (unfinished, stored) = (0, 0)
        for queue in all {
            let running = queue.unfinishedTasks.filter { $0.isPersisted && $0.state == .running }
            for task in running { task.report(.cutOff) }
            stored += running.count + queue.releaseStored()
            for task in queue.unfinishedTasks where !task.isPersisted {
                unfinished += 1
                if unfinished <= limit {
                    logger.error("task was left at the end", metadata: queue.metadata(task.name))
                }
            }
        }
        if unfinished > limit {
            logger.error("more tasks were left at the end", metadata: ["count": "\(unfinished - limit)"])
        }
        if stored > 0 {
            logger.info("durable tasks are left for the next start", metadata: ["count": "\(stored)"])
        }
        return unfinished
    }
}
