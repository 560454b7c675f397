internal import Logging
internal import PostludeManifest
internal import PostludeSystem

/// What takes tasks that no request of this process has added, and has its workers run them.
package protocol TaskTaking: Sendable {
    /// Whether nothing is taken any more.
    var isClosed: Bool { get }

    /// Has tasks run by the next worker that is free, one after another. They are in their store.
    ///
    /// - Parameter whenOver: called once, when none of them is with this process any more.
    func post(_ tasks: [any PersistedTask], of origin: TaskOrigin, whenOver: @escaping @Sendable () -> Void)
}

/// Brings tasks to the workers that serve requests.
package final class TaskDispatch: TaskTaking {
    private struct State {
        var queues = FIFO<TaskQueue>()
        var isClosed = false
    }

    private let state = Lock(State())
    private let registry: TaskRegistry
    private let logger: Logger
    private let limits: @Sendable () -> Manifest.TaskLimits
    private let call: @Sendable () -> Void

    /// - Parameters:
    ///   - limits: of the tasks, at that moment.
    ///   - call: has a worker come and take.
    init(
        registry: TaskRegistry, logger: Logger, limits: @escaping @Sendable () -> Manifest.TaskLimits,
        call: @escaping @Sendable () -> Void
    ) {
        self.registry = registry
        self.logger = logger
        self.limits = limits
        self.call = call
    }

    package var isClosed: Bool { state.withLock { $0.isClosed } }

    package func post(
        _ tasks: [any PersistedTask], of origin: TaskOrigin, whenOver: @escaping @Sendable () -> Void
    ) {
        let queue = TaskQueue(
            of: RequestIdentity(id: origin.requestID, route: origin.route), limits: limits(), logger: logger,
            registry: registry, whenOver: whenOver)
        queue.add(kept: tasks)
        registry.insert(queue)
        let isPosted = state.withLock { state in
            if !state.isClosed { state.queues.append(queue) }
            return !state.isClosed
        }
        if isPosted { call() } else { giveUp(queue) }
    }

    /// The queue that was posted first. Called by a worker that the poller has called.
    func nextPosted() -> TaskQueue? { state.withLock { $0.queues.popFirst() } }

    /// The process stops: what no worker has taken is left, and nothing more is taken.
    package func close() {
        let queues = state.withLock { state in
            state.isClosed = true
            defer { state.queues = FIFO() }
            return state.queues.elements
        }
        for queue in queues { giveUp(queue) }
    }

    private func giveUp(_ queue: TaskQueue) {
        _ = queue.leaveStored()
        registry.remove(queue)
    }
}
