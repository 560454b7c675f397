internal import Logging
internal import Manifest

/// Makes the queue of a request when its handler asks for it; most requests have none.
final class TaskQueueSource {
    let registry: TaskRegistry
    private let limits: Manifest.TaskLimits
    private let logger: Logger
    private(set) var queue: TaskQueue?
    /// Until the response begins.
    private var takesStored = true

    init(registry: TaskRegistry, limits: Manifest.TaskLimits, logger: Logger) {
        self.registry = registry
        self.limits = limits
        self.logger = logger
    }

    func queue(for request: Request) -> TaskQueue {
        if let queue { return queue }
        let queue = TaskQueue(
            of: request.storage.identity, limits: limits, logger: logger, registry: registry)
        if !takesStored { _ = queue.endStoring() }
        registry.insert(queue)
        self.queue = queue
        return queue
    }

    /// The response begins: no stored task can be added any more.
    ///
    /// - Returns: those that are to be kept.
    func endStoring() -> [BackgroundTask] {
        takesStored = false
        return queue?.endStoring() ?? []
    }

    /// The response is finished.
    ///
    /// - Returns: the queue, if any of its tasks is to run.
    func settle(_ outcome: RequestOutcome) -> TaskQueue? {
        guard let queue else { return nil }
        guard queue.settle(outcome) else {
            registry.remove(queue)
            return nil
        }
        return queue
    }
}
