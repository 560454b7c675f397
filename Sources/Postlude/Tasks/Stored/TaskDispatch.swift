internal import DequeModule
internal import Logging
internal import PostludeManifest
internal import PostludeSystem

/// Takes tasks that no request of this process has added, and has workers run them.
package protocol TaskDispatching: Sendable {
    /// Whether no more tasks are accepted.
    var isClosed: Bool { get }

    /// Has the next free worker run tasks that are in their store, one after another.
    ///
    /// - Parameter onCompletion: called once, when this process no longer has any of them.
    func post(
        _ tasks: [any PersistedTask], of origin: TaskOrigin, onCompletion: @escaping @Sendable () -> Void)

    /// Cancels persisted tasks of this process, of all requests: running ones by Swift's cancellation, and others do not
    /// begin.
    func cancel(_ ids: Set<String>)
}

extension TaskDispatching {
    /// A dispatch that runs no task has none to cancel.
    package func cancel(_ ids: Set<String>) {}
}

/// Gives tasks to the workers that serve requests.
package final class TaskDispatch: TaskDispatching {
    private struct State {
        var queues = Deque<TaskQueue>()
        var isClosed = false
    }

    private let state = Lock(State())
    private let registry: TaskRegistry
    private let logger: Logger
    private let limits: @Sendable () -> Manifest.TaskLimits
    private let call: @Sendable () -> Void

    /// - Parameters:
    ///   - limits: returns the current limits of tasks.
    ///   - call: wakes a worker, which takes a queue.
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
        _ tasks: [any PersistedTask], of origin: TaskOrigin, onCompletion: @escaping @Sendable () -> Void
    ) {
        let queue = TaskQueue(
            of: RequestIdentity(id: origin.requestID, route: origin.route), limits: limits(), logger: logger,
            registry: registry, onCompletion: onCompletion)
        queue.add(persisted: tasks)
        registry.insert(queue)
        let isPosted = state.withLock { state in
            if !state.isClosed { state.queues.append(queue) }
            return !state.isClosed
        }
        if isPosted { call() } else { giveUp(queue) }
    }

    package func cancel(_ ids: Set<String>) { registry.cancel(ids) }

    /// Removes and returns the queue that was posted first; nil if none is left. Called by a worker that the poller has
    /// woken.
    func nextPosted() -> TaskQueue? { state.withLock { $0.queues.popFirst() } }

    /// Takes no more tasks, and leaves those that no worker has taken to their store. Called when the process stops.
    package func close() {
        let queues = state.withLock { state in
            state.isClosed = true
            defer { state.queues = Deque() }
            return state.queues
        }
        for queue in queues { giveUp(queue) }
    }

    private func giveUp(_ queue: TaskQueue) {
        _ = queue.releaseStored()
        registry.remove(queue)
    }
}
