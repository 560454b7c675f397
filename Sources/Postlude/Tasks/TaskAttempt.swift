internal import Logging
internal import PostludeSystem
internal import Tracing

/// One call of a task, with its span.
struct TaskAttempt: Sendable {
    let task: BackgroundTask
    let queue: TaskQueue
    /// The time at which the attempt began; nil if none is made.
    let start: MonotonicTime?
    private let scope: RequestScope
    private let span: (any Span)?

    /// - Parameter start: the time at which the attempt begins; nil if none is made.
    init(
        _ task: BackgroundTask, of queue: TaskQueue, at start: MonotonicTime?, _ observability: Observability
    ) {
        self.task = task
        self.queue = queue
        self.start = start
        scope = .task(TaskContext(task, of: queue.request, in: queue.registry))
        guard let tracer = observability.tracer, start != nil else {
            span = nil
            return
        }
        // A trace of its own: the request's trace ends with the request, and must not last as long as its tasks.
        let span = tracer.startSpan("task \(task.name)", context: .topLevel, ofKind: .consumer)
        if let origin = queue.origin { span.addLink(SpanLink(context: origin, attributes: [:])) }
        span.updateAttributes { attributes in
            attributes["postlude.task.name"] = task.name
            attributes["postlude.task.attempt"] = task.attempts
            attributes["postlude.request.id"] = queue.requestID
            if !queue.route.isEmpty { attributes["http.route"] = queue.route }
        }
        self.span = span
    }

    /// Calls `operation` as the task: with its context and its span.
    func perform<Value>(_ operation: () throws -> Value) rethrows -> Value {
        try scope.run(tracing: span?.context, operation)
    }

    /// Calls `operation` as the task.
    ///
    /// - Returns: the error that it threw; nil for none.
    func error(of operation: () throws -> Void) -> (any Error)? {
        do {
            try perform(operation)
            return nil
        } catch {
            return error
        }
    }

    func duration(until end: MonotonicTime) -> Duration { start.map { end - $0 } ?? .zero }

    func endSpan(_ error: (any Error)?) {
        guard let span else { return }
        if let error {
            span.attributes["error.type"] = "\(type(of: error))"
            span.recordError(error)
            span.setStatus(SpanStatus(code: .error))
        }
        span.end()
    }

    /// Returns the metadata of the attempt's log entries.
    func metadata(until end: MonotonicTime) -> Logger.Metadata {
        queue.metadata(task.name, since: start, until: end)
    }
}
