internal import HTTPTypes
internal import Logging
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeScoreboard
internal import PostludeThreads

/// A request and what became of it, between the handler and the tasks.
final class RequestExecution {
    /// nil for a request that is malformed, or refused before it is routed.
    let request: Request?
    var response: Response
    /// Whether the response's body is left out.
    let isHead: Bool
    /// Where the answer is counted; nil if no route takes the request.
    var route: CountedRoute?
    /// From the request's head to the end of its answer; nil before that, and if that is not measured.
    var duration: Duration?
    /// What the handler, an input or middleware has thrown in the end.
    private(set) var error: (any Error)?
    /// Whether the outermost middleware, or the handler if there is none, has thrown, or the request was refused. Then only
    /// those of its tasks run whose condition asks for that.
    private(set) var hasThrown = false
    /// nil if requests are neither traced nor measured.
    private let observation: RequestObservation?
    /// The request's line in the access log; nil if there is no such log.
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

    /// The answer, as it is counted.
    var answer: CountedAnswer { CountedAnswer(status: response.status.code, route: route) }

    /// Calls the application's code with the request's context.
    func perform<Value>(_ operation: () throws -> Value) rethrows -> Value {
        guard let request else { return try operation() }
        return try RequestScope.request(request.storage.identity).run(
            tracing: observation?.context, operation)
    }

    /// The application's code has thrown.
    ///
    /// - Parameter call: the call that has, by ``TaskCalls``.
    func fail(_ error: any Error, in call: Int = 0) {
        self.error = error
        if call == 0 { hasThrown = true } else { request?.storage.tasks.markThrown(since: call) }
    }

    /// Middleware calls `next` again: what has become of the call before does not count.
    func restart(after call: Int) {
        error = nil
        request?.storage.tasks.drop(since: call)
    }

    /// Has the store persist the request's durable tasks, or refuses the request if the worker has too many tasks. Called
    /// once only the caller can answer the request, and before anything of the response is written.
    ///
    /// - Parameters:
    ///   - queued: how many tasks the worker has besides; evaluated if the manifest bounds them.
    ///   - retryAfter: what the client of a request that is refused is told.
    /// - Returns: what became of tasks that were too many; nil if they were not.
    @discardableResult
    func persistTasks(
        after queued: @autoclosure () -> Int, retryAfter: Duration, logger: Logger
    ) -> Manifest.TaskLimits.FullQueue? {
        guard let request else { return nil }
        let source = request.storage.tasks
        let store = source.registry.store
        if store != nil { source.endStoring() }
        if error is TasksNotKept, response.status == .serviceUnavailable {
            response.headers[.retryAfter] = "\(retryAfter.components.seconds)"
        }
        guard let queue = source.queue else { return nil }
        defer { nameKept(queue.keptIDs) }
        // The tasks of a handler that has thrown are dropped.
        guard !hasThrown else { return nil }
        var fullQueue: Manifest.TaskLimits.FullQueue?
        if let bound = queue.limits.maxQueued {
            let (own, hasOthers) = queue.tasksToTake
            if own > 0, own + queued() > bound { fullQueue = queue.limits.whenFull }
            // What was kept before is promised.
            if fullQueue == .refuse, !hasOthers { fullQueue = .run }
        }
        if fullQueue == .refuse {
            fail(QueueFull())
            refuse(retryAfter: retryAfter)
        } else if let store {
            do {
                _ = try queue.keepStored(in: store, runsHere: fullQueue != .leave)
            } catch {
                Self.log(error, of: request, to: logger)
                fail(error)
                refuse(retryAfter: retryAfter)
            }
        }
        return fullQueue
    }

    /// Says that durable tasks could not be persisted.
    static func log(_ error: any Error, of request: Request, to logger: Logger) {
        let stored = request.storage.tasks.queue?.queued.filter { $0.stored != nil && !$0.isKept }
        logger.error(
            "durable tasks could not be persisted, the request is answered 503",
            metadata: [
                "request": "\(request.id)", "route": "\(request.route)", "count": "\(stored?.count ?? 0)",
                "error": "\(LoggedError.text(error))",
            ])
    }

    /// How many ids `Task-Id` names: a head has room for so many (`ResponseHead.limit`). The handler knows all of them.
    static let namedTasks = 32

    private func nameKept(_ ids: [String]) {
        guard !ids.isEmpty, let name = HTTPField.Name("Task-Id") else { return }
        response.headers[name] = ids.prefix(Self.namedTasks).joined(separator: ", ")
    }

    /// The client may ask again.
    private func refuse(retryAfter: Duration) {
        let seconds = retryAfter.components.seconds
        response = .error(HTTPError(.serviceUnavailable, headers: [.retryAfter: "\(seconds)"]))
    }

    /// A file's response becomes what the request asks for (`Response.selected`).
    func selectFile(in location: FileLocation?) {
        if case .file = response.body, let request {
            response = response.selected(for: request.method, request.headers, in: location)
        }
    }

    /// The control thread has answered in the worker's place: what the handler has returned does not count.
    func timeOut(after duration: Duration?) {
        self.duration = duration
        fail(error ?? CancellationError())
        response = .error(HTTPError(.gatewayTimeout))
    }

    /// The response is finished: releases what the request holds.
    ///
    /// - Returns: the tasks to run now, if there are any; they take the access record along.
    func conclude(isDelivered: Bool, on executor: WorkerExecutor, logger: Logger) -> TaskQueue? {
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
        let outcome = RequestOutcome(
            hasThrown: hasThrown, status: response.status, isDelivered: isDelivered, duration: duration)
        observation?.end(outcome, after: duration, error: error)
        // Most requests have neither: their queue is not locked for it.
        if let origin = observation?.context { storage.tasks.queue?.origin = origin }
        let queue = storage.settle(outcome)
        if let access { queue?.access = access }
        return queue
    }
}

/// Why a request whose tasks were too many has none.
private struct QueueFull: Error, CustomStringConvertible {
    var description: String { "the worker's task queue is full: tasks.max-queued" }
}
