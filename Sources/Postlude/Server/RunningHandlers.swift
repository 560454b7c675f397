internal import Logging
internal import PostludeFastCGI
internal import PostludeScoreboard
internal import PostludeSystem

/// The handlers that the workers of a process are running.
final class RunningHandlers: Sendable {
    private let watches = Lock<[HandlerWatch]>([])

    func add(_ watch: HandlerWatch) { watches.withLock { $0.append(watch) } }

    func remove(_ watch: HandlerWatch) { watches.withLock { $0.removeAll { $0 === watch } } }

    /// Logs slow handlers, answers 504 for those past `request-timeout`, and requests a replacement of the process for
    /// those past `kill-time`. Called by the control thread.
    func check(
        at now: MonotonicTime, poller: Poller, process: ProcessSlot?, report: inout StackReport,
        logger: Logger, replace: (String) -> Void
    ) {
        for watch in watches.withLock({ $0 }) {
            guard let invocation = watch.invocation else { continue }
            // Sampled before the handler is cancelled, since a handler that reacts leaves the place that the stack should
            // show.
            if invocation.isNewlySlow(at: now) {
                process?.count(.slow)
                let stack = report.stack(of: watch.thread) { watch.invocation === invocation }
                logger.warning("handler is slow", metadata: invocation.metadata(at: now, stack: stack))
            }
            if invocation.answerIfOverdue(at: now, poller: poller, process: process) {
                logger.error(
                    "handler is past limits.request-timeout; it was cancelled, and its request answered 504",
                    metadata: invocation.metadata(at: now))
            }
            if invocation.isNewlyKilled(at: now) {
                let stack = report.stack(of: watch.thread) { watch.invocation === invocation }
                logger.critical(
                    "handler is past limits.kill-time and cannot be stopped; the process will be replaced",
                    metadata: invocation.metadata(at: now, stack: stack))
                replace("handler \(invocation.handler) is past limits.kill-time")
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
