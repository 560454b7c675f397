internal import Logging
internal import PostludeFastCGI
internal import PostludeScoreboard
internal import PostludeSystem
internal import PostludeThreads

/// Which handler one worker is in, as far as its route has limits of time.
final class RunningHandlers: Sendable {
    /// The worker's, which can be asked for its stack.
    let thread: SampledThread
    private let current = Lock<HandlerInvocation?>(nil)

    /// Called on the worker's thread.
    init(executor: WorkerExecutor) {
        thread = SampledThread(isSuspended: { [weak executor] in executor?.isSuspended ?? false })
    }

    func begin(_ run: HandlerInvocation) {
        current.withLock { $0 = run }
        thread.enter()
    }

    func end() {
        thread.leave()
        current.withLock { $0 = nil }
    }

    var run: HandlerInvocation? { current.withLock { $0 } }
}

/// The handlers that are running, of all workers: what the control thread watches.
final class HandlerClocks: Sendable {
    private let all = Lock<[RunningHandlers]>([])

    func add(_ clock: RunningHandlers) { all.withLock { $0.append(clock) } }

    func remove(_ clock: RunningHandlers) { all.withLock { $0.removeAll { $0 === clock } } }

    /// Reports slow handlers, answers for those that are late, and has the process replaced where one does not end.
    /// Called by the control thread.
    func check(
        at now: MonotonicTime, poller: Poller, process: ProcessSlot?, report: inout StackReport,
        logger: Logger, replace: (String) -> Void
    ) {
        for clock in all.withLock({ $0 }) {
            guard let run = clock.run else { continue }
            // First, because a handler that hears of its cancellation leaves the place that the stack is to show.
            if run.isNewlySlow(at: now) {
                process?.count(.slow)
                let stack = report.stack(of: clock.thread) { clock.run === run }
                logger.warning("handler is slow", metadata: run.metadata(at: now, stack: stack))
            }
            if run.answerIfOverdue(at: now, poller: poller, process: process) {
                logger.error(
                    "handler is past limits.request-timeout; it was cancelled, and its request answered 504",
                    metadata: run.metadata(at: now))
            }
            if run.isNewlyKilled(at: now) {
                let stack = report.stack(of: clock.thread) { clock.run === run }
                logger.critical(
                    "handler is past limits.kill-time and cannot be stopped; the process is to be replaced",
                    metadata: run.metadata(at: now, stack: stack))
                replace("handler \(run.handler) is past limits.kill-time")
            }
        }
    }
}

extension HandlerInvocation {
    fileprivate func metadata(at now: MonotonicTime, stack: String? = nil) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "request": "\(identity.id)", "route": "\(identity.route)", "handler": "\(handler)",
            "duration": "\((now - start).milliseconds) ms",
        ]
        if let stack { metadata["stack"] = "\(stack)" }
        return metadata
    }
}
