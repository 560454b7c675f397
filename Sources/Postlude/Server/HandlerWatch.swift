internal import PostludeSystem
internal import PostludeThreads

/// The handler that one worker runs, if its route has time limits: what the control thread watches.
final class HandlerWatch: Sendable {
    /// The worker's, which can be asked for its stack.
    let thread: SampledThread
    private let current = Lock<HandlerInvocation?>(nil)

    /// Called on the worker's thread.
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
