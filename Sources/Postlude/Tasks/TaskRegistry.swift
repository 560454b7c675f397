internal import Logging
internal import PostludeScoreboard
internal import PostludeSystem
internal import Synchronization

/// The task queues of a process that are not over: what the control thread watches, and what is left at the end.
final class TaskRegistry: Sendable {
    private let queues = Lock<[ObjectIdentifier: TaskQueue]>([:])
    /// Nanoseconds; the largest number for none.
    private let endOfGrace = Atomic<Int64>(.max)
    private let shortestDeadline = Atomic<Int64>(.max)
    let metrics: TaskMetrics?
    /// Counts tasks for the status page; nil if there is none.
    let process: ProcessSlot?
    /// Keeps tasks beyond the process; nil if the application has no durable tasks.
    let store: (any TaskStore)?
    /// Whose tasks they are: what they find in their context.
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
        queue.whenOver?()
    }

    /// What is left does not run.
    func removeAll() {
        let left = queues.withLock { queues in
            defer { queues = [:] }
            return queues
        }
        // Released after the lock: what they hold may use the registry.
        withExtendedLifetime(left) {}
    }

    var all: [TaskQueue] { queues.withLock { Array($0.values) } }

    /// When a process that stops will end at the latest; nil while it serves. Retries past it are not made.
    var graceEnd: MonotonicTime? {
        let end = endOfGrace.load(ordering: .acquiring)
        return end == .max ? nil : MonotonicTime(nanoseconds: end)
    }

    func setGraceEnd(_ time: MonotonicTime) { endOfGrace.store(time.nanoseconds, ordering: .releasing) }

    /// A task of this process has a deadline of its own: the control thread looks at the clock often enough for it.
    func note(deadline: Duration) {
        _ = shortestDeadline.min(max(0, deadline.saturatedNanoseconds), ordering: .relaxed)
    }

    /// How often the control thread looks at deadlines: at most `usual`, or a quarter of the shortest one that a task has.
    func tickMilliseconds(_ usual: Int32) -> Int32 {
        let shortest = shortestDeadline.load(ordering: .relaxed)
        return min(usual, max(10, Int32(clamping: shortest / 4_000_000)))
    }

    /// Counts what has become of a task, for metrics and the status page.
    ///
    /// - Parameter duration: of the attempt; nil if there was none.
    func count(_ result: AttemptResult, of task: BackgroundTask, taking duration: Duration? = nil) {
        guard let outcome = result.outcome else { return }
        metrics?.count(outcome, task: task.name, taking: duration)
        process?.count(outcome, task: task.name, taking: duration)
    }

    /// The process ends: names the tasks that are left, and gives the stored ones back to their store.
    ///
    /// - Parameter limit: how many are named; the others are counted.
    /// - Returns: how many are lost.
    @discardableResult
    func logLeft(to logger: Logger, limit: Int = 100) -> Int {
        var (lost, stored) = (0, 0)
        for queue in all {
            let running = queue.leftTasks.filter { $0.isKept && $0.state == .running }
            for task in running { task.report(.cutOff) }
            stored += running.count + queue.leaveStored()
            for task in queue.leftTasks where !task.isKept {
                lost += 1
                if lost <= limit {
                    logger.error("task was left at the end", metadata: queue.metadata(task.name))
                }
            }
        }
        if lost > limit {
            logger.error("more tasks were left at the end", metadata: ["count": "\(lost - limit)"])
        }
        if stored > 0 {
            logger.info("durable tasks are left for the next start", metadata: ["count": "\(stored)"])
        }
        return lost
    }
}
