internal import HTTPTypes
internal import Logging
internal import Workers

/// A request and what became of it, between the handler and the tasks.
final class Exchange {
    /// nil for what is no request that anybody could answer.
    let request: Request?
    var response: Response
    /// Whether the response's body is left out.
    let isHead: Bool
    /// What the handler, an input or middleware has thrown.
    var error: (any Error)?
    /// nil where nobody traces or measures.
    private let observation: RequestObservation?
    /// The line of the access log to be, where there is such a log.
    var access: AccessRecord?

    init(of request: Request, observability: Observability) {
        self.request = request
        observation = observability.begin(request)
        isHead = request.method == .head
        // Replaced by the answer. The request's id is not asked for here: most requests never need one.
        response = Response(status: .internalServerError)
    }

    init(_ response: Response, isHead: Bool) {
        request = nil
        observation = nil
        self.response = response
        self.isHead = isHead
    }

    /// Calls the application's code with the request's context.
    func perform<Value>(_ operation: () throws -> Value) rethrows -> Value {
        guard let request else { return try operation() }
        return try Scope.request(request.storage.identity).run(tracing: observation?.context, operation)
    }

    /// Has the request's stored tasks kept. Called when nobody else can answer the request any more, and before anything
    /// of the response is written.
    func keepTasks(logger: Logger) {
        guard let request, let store = request.storage.tasks.registry.store else { return }
        let tasks = request.storage.tasks.endStoring()
        // Those of a handler that has thrown are dropped with the others.
        guard error == nil, !tasks.isEmpty, let queue = request.storage.tasks.queue else { return }
        do {
            try store.keep(
                tasks.compactMap(\.stored), of: TaskOrigin(requestID: request.id, route: request.route))
        } catch {
            logger.error(
                "durable tasks could not be kept, the request is answered 503",
                metadata: [
                    "request": "\(request.id)", "route": "\(request.route)", "count": "\(tasks.count)",
                    "error": "\(LoggedError.text(error))",
                ])
            // The other tasks are dropped as those of a handler that has thrown.
            self.error = error
            response = .error(HTTPError(.serviceUnavailable, headers: [.retryAfter: "5"]))
            return
        }
        queue.markKept(tasks)
        let ids = tasks.compactMap(\.stored?.id)
        if let name = HTTPField.Name("Task-Id") { response.headers[name] = ids.joined(separator: ", ") }
    }

    /// The keeper has answered in the worker's place: whatever the handler has returned does not count.
    func timeOut() {
        error = error ?? CancellationError()
        response = .error(HTTPError(.gatewayTimeout))
    }

    /// The response is finished: releases what the request holds.
    ///
    /// - Returns: the tasks to run now, if there are any; they take the access record along.
    func conclude(isTaken: Bool, on executor: WorkerExecutor, logger: Logger) -> TaskQueue? {
        guard let request else { return nil }
        let storage = request.storage
        storage.body.close()
        if !storage.dependencies.isEmpty {
            _ = perform {
                executor.run {
                    await storage.dependencies.release { dependency, error in
                        logger.error(
                            "a dependency could not be released",
                            metadata: [
                                "dependency": "\(type(of: dependency))", "request": "\(request.id)",
                                "route": "\(request.route)", "error": "\(LoggedError.text(error))",
                            ])
                    }
                }
            }
        }
        let outcome = RequestOutcome(hasThrown: error != nil, status: response.status, isTaken: isTaken)
        observation?.end(outcome, error: error)
        // Most requests have neither: their queue is not locked for it.
        if let origin = observation?.context { storage.tasks.queue?.origin = origin }
        let queue = storage.settle(outcome)
        if let access { queue?.access = access }
        return queue
    }
}
