internal import Logging
internal import PostludeManifest
internal import PostludeSystem

/// Makes the queue of a request when its handler asks for it; most requests have none.
final class TaskQueueSource {
    let registry: TaskRegistry
    private let limits: Manifest.TaskLimits
    private let logger: Logger
    private(set) var queue: TaskQueue?
    private var calls = TaskCalls()
    /// Until the response begins.
    private var takesStored = true

    init(registry: TaskRegistry, limits: Manifest.TaskLimits, logger: Logger) {
        self.registry = registry
        self.limits = limits
        self.logger = logger
    }

    func queue(for request: RequestIdentity) -> TaskQueue {
        if let queue { return queue }
        let queue = TaskQueue(of: request, limits: limits, logger: logger, registry: registry)
        if !takesStored { queue.endStoring() }
        queue.enter(calls.current)
        registry.insert(queue)
        self.queue = queue
        return queue
    }

    /// The response begins: no stored task can be added any more.
    func endStoring() {
        takesStored = false
        queue?.endStoring()
    }

    // MARK: Calls

    /// Middleware calls what is inside it. Called on the request's worker.
    ///
    /// - Returns: the call's number.
    func beginCall() -> Int {
        // Also where there is no queue yet.
        let call = calls.enterNext()
        queue?.enter(call)
        return call
    }

    /// It has returned to the call around it.
    func endCall(to outer: Int) {
        calls.current = outer
        queue?.enter(outer)
    }

    /// A call has thrown: so have those inside it.
    func markThrown(since call: Int) { queue?.markThrown(since: call) }

    /// Middleware calls once more what is inside it: what the earlier call has added does not run.
    func drop(since call: Int) { queue?.drop(since: call) }

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

/// Which call has added a task.
///
/// The outermost middleware, or the handler where there is none, is call 0. Each time that middleware calls `next`, what
/// is inside it is another call, with the next number. So a call and those inside it have the numbers from its own up to
/// the last one that has begun before it returned: the tasks of all of them are dropped if it throws, and if its
/// middleware calls `next` again.
private struct TaskCalls {
    var current = 0
    private var last = 0

    mutating func enterNext() -> Int {
        last += 1
        current = last
        return current
    }
}
