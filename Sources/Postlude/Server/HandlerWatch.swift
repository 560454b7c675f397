internal import PostludeSystem
internal import PostludeThreads

/// The current handler call of one worker, if its route has time limits, as the control thread sees it.
final class HandlerWatch: Sendable {
    /// The worker's thread, whose stack can be sampled.
    let thread: SampledThread
    private let current = Lock<HandlerInvocation?>(nil)

    /// Creates the watch of the calling thread; called on the worker's thread.
    init(executor: WorkerExecutor) {
        thread = SampledThread(isSuspended: { [weak executor] in executor?.isSuspended ?? false })
    }

    func handlerStarted(_ invocation: HandlerInvocation) {
        current.withLock { $0 = invocation }
        thread.enter()
    }

    func handlerReturned() {
        thread.leave()
        current.withLock { $0 = nil }
    }

    var invocation: HandlerInvocation? { current.withLock { $0 } }
}
