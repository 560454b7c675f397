internal import Logging
internal import PostludeManifest
internal import PostludeSystem

/// Makes the task queue of a request on its first use; most requests have none.
struct TaskQueueSource {
    let registry: TaskRegistry
    private let limits: Manifest.TaskLimits
    private let logger: Logger
    private(set) var queue: TaskQueue?
    private var calls = TaskCalls()
    /// Whether stored tasks can be added: until the response begins.
    private var acceptsStored = true
    /// The transaction around the call of the handler; nil if there is none, or if it is over.
    var transaction: (any RequestTransaction)? {
        didSet { queue?.setInTransaction(transaction != nil) }
    }

    init(registry: TaskRegistry, limits: Manifest.TaskLimits, logger: Logger) {
        self.registry = registry
        self.limits = limits
        self.logger = logger
    }

    mutating func queue(for request: RequestIdentity) -> TaskQueue {
        if let queue { return queue }
        let queue = TaskQueue(of: request, limits: limits, logger: logger, registry: registry)
        if !acceptsStored { queue.stopAcceptingStored() }
        if transaction != nil { queue.setInTransaction(true) }
        queue.enter(calls.current)
        registry.insert(queue)
        self.queue = queue
        return queue
    }

    /// Refuses further stored tasks. Called when the response begins.
    mutating func stopAcceptingStored() {
        acceptsStored = false
        queue?.stopAcceptingStored()
    }

    // MARK: The transaction

    /// Returns the transaction. The caller ends it.
    mutating func takeTransaction() -> (any RequestTransaction)? {
        guard let transaction else { return nil }
        self.transaction = nil
        return transaction
    }

    // MARK: Calls

    /// Begins a call of `next` by middleware. Called on the request's worker.
    ///
    /// - Returns: the call's number.
    mutating func beginCall() -> Int {
        // Calls are numbered even if there is no queue yet.
        let call = calls.enterNext()
        queue?.enter(call)
        return call
    }

    /// Ends a call, and returns to the call around it.
    mutating func endCall(to outer: Int) {
        calls.current = outer
        queue?.enter(outer)
    }

    /// Marks the tasks of a call that has thrown, and of the calls inside it.
    func markThrown(since call: Int) { queue?.markThrown(since: call) }

    /// Drops the tasks of an earlier call, because middleware calls `next` again.
    func drop(since call: Int) { queue?.drop(since: call) }

    /// Drops the tasks whose condition is not met. Called when the response is finished.
    ///
    /// - Returns: the queue; nil if none of its tasks runs.
    func finalize(_ outcome: RequestOutcome) -> TaskQueue? {
        guard let queue else { return nil }
        guard queue.finalize(outcome) else {
            registry.remove(queue)
            return nil
        }
        return queue
    }
}

/// Numbers the calls of the application's code, to record which call has added a task.
///
/// The outermost middleware, or the handler if there is no middleware, is call 0. Each call of `next` begins another call, with
/// the next number. So a call and the calls inside it have consecutive numbers, from its own to that of the last call that
/// began before it returned. The tasks of all of them are dropped if the call throws, or if its middleware calls `next` again.
private struct TaskCalls {
    var current = 0
    private var last = 0

    mutating func enterNext() -> Int {
        last += 1
        current = last
        return current
    }
}
