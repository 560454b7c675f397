internal import HTTPTypes
internal import Logging
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeScoreboard
internal import PostludeThreads

/// The state of a request from its handler to its tasks: response, error, and route.
final class RequestExecution {
    /// The request; nil if it is malformed, or refused before it is routed.
    let request: Request?
    var response: Response
    /// Whether the response's body is left out.
    let isHead: Bool
    /// The route under which the response is counted; nil if no route matches the request.
    var route: CountedRoute?
    /// The time from the moment at which a worker took the request to the end of its response; nil before that, and if it
    /// is not measured.
    var duration: Duration?
    /// The error of the handler, an input or middleware that determined the response.
    private(set) var error: (any Error)?
    /// Whether the outermost middleware (or the handler, if there is none) has thrown, or the request was refused. If so,
    /// only tasks with a condition that is met after a failure run.
    private(set) var hasThrown = false
    /// The span and the metrics of the request; nil if requests are neither traced nor measured.
    private let observation: RequestObservation?
    /// The request's `Idempotency-Key`; nil if it has none, if its route ignores it, and after the answer is persisted.
    private var keyed: KeyedRequest?
    /// The request's line in the access log; nil if there is no such log.
    var access: AccessRecord?

    init(of request: Request, observability: Observability) {
        self.request = request
        observation = observability.begin(request)
        isHead = request.method == .head
        // A placeholder until the handler has answered. It does not use the request's id, which most requests never need.
        response = Response(status: .internalServerError)
    }

    init(_ response: Response, isHead: Bool) {
        request = nil
        observation = nil
        self.response = response
        self.isHead = isHead
    }

    private var errors: ErrorAnswers { request?.storage.errors ?? ErrorAnswers() }

    /// The status and route under which the response is counted.
    var answer: CountedAnswer { CountedAnswer(status: response.status.code, route: route) }

    /// Calls the application's code with the request's context.
    func perform<Value>(_ operation: () throws -> Value) rethrows -> Value {
        guard let request else { return try operation() }
        return try RequestScope.request(request.storage.identity).run(
            tracing: observation?.context, operation)
    }

    /// Records an error that the application's code has thrown.
    ///
    /// - Parameter call: the number of the call that has thrown (``TaskCalls``).
    func fail(_ error: any Error, in call: Int = 0) {
        self.error = error
        request?.storage.rollBack()
        if call == 0 { hasThrown = true } else { request?.storage.tasks.markThrown(since: call) }
    }

    /// Discards the result of an earlier call of `next`, because the middleware calls `next` again.
    func restart(after call: Int) {
        error = nil
        request?.storage.rollBack()
        request?.storage.tasks.drop(since: call)
    }

    // MARK: Repetitions

    /// Begins the request's `Idempotency-Key`. Called before the handler, again if middleware calls `next` again.
    ///
    /// - Returns: the first answer, if the request is a repetition; nil if the handler is to be called.
    /// - Throws: as `KeyedRequest`.
    func beginKey(of route: Router.Route?) throws -> Response? {
        guard let route, route.takesKeys, let settings = route.idempotency, let request,
            Manifest.Idempotency.applies(to: request.method)
        else { return nil }
        if keyed == nil { keyed = try KeyedRequest(request, settings) }
        return keyed?.replay
    }

    /// Whether the response is the first answer to a request with the same key, and no handler was called.
    var isReplay: Bool { keyed?.replay != nil && error == nil }

    /// Replaces the response of middleware around a repetition by the first answer, which contains what middleware has changed
    /// at that time.
    func replayAnswer() {
        if error == nil, let replay = keyed?.replay { response = replay }
    }

    /// Returns the answer that is persisted with the request's tasks: that of a handler that has returned, with a status below
    /// 500. Otherwise the client may repeat the request, and its tasks are dropped as those of a handler that has thrown. An
    /// answer that cannot be kept is replaced by 500.
    private func answerToKeep(_ logger: Logger) -> PersistedAnswer? {
        guard let request, let keyed, error == nil else { return nil }
        guard response.status.code < 500 else {
            fail(AnswerNotKept.status(response.status.code))
            return nil
        }
        do {
            return try keyed.answer(response)
        } catch {
            logger.error(
                "handler failed",
                metadata: [
                    "request": "\(request.id)", "route": "\(request.route)", "method": "\(request.method)",
                    "error": "\(error)",
                ])
            fail(error)
            response = errors.internalServerError(requestID: request.id)
            return nil
        }
    }

    // MARK: Tasks

    /// Persists the request's durable tasks, and its answer if it has a key, or refuses the request if the worker's task queue
    /// is full. Commits the transaction of the handler, or rolls it back. Called after the worker has claimed the right to
    /// answer, and before any byte of the response is written.
    ///
    /// - Parameters:
    ///   - queued: the number of tasks that the worker has already; evaluated only if the manifest limits them.
    ///   - retryAfter: the `Retry-After` of a refused request.
    /// - Returns: the policy that was applied to a full queue; nil if the queue was not full.
    @discardableResult
    func persistTasks(
        after queued: @autoclosure () -> Int, retryAfter: Duration, logger: Logger
    ) -> Manifest.TaskLimits.FullQueue? {
        guard let request else { return nil }
        let storage = request.storage
        let store = storage.tasks.registry.store
        if store != nil { storage.tasks.stopAcceptingStored() }
        if let error, error is TasksNotPersisted || error is KeyNotBegun,
            response.status == .serviceUnavailable
        {
            response.headers[.retryAfter] = "\(retryAfter.components.seconds)"
        }
        // Most requests have nothing to persist.
        guard storage.tasks.queue != nil || storage.tasks.transaction != nil || keyed != nil else {
            return nil
        }
        let transaction = storage.tasks.takeTransaction()
        defer {
            // Does nothing after a commit.
            transaction?.rollback()
            // Others may answer a request with the key from now on.
            if !isReplay { keyed = nil }
        }
        if isReplay {
            storage.tasks.queue?.drop(
                since: 0, because: "the request is a repetition, the tasks of its middleware were dropped",
                level: .debug)
            return nil
        }
        let answer = answerToKeep(logger)
        guard let queue = storage.tasks.queue else {
            if hasThrown { return nil }
            persist(or: retryAfter, logger) {
                guard let store, let answer else {
                    try transaction?.commit()
                    return
                }
                let origin = TaskOrigin(requestID: request.id, route: request.route)
                try store.persist(
                    PersistedRequest([], of: origin, runsHere: true, answer: answer), within: transaction)
            }
            return nil
        }
        defer { response.setTaskIDs(queue.persistedIDs) }
        // The tasks of a handler that has thrown are dropped.
        guard !hasThrown else { return nil }
        var fullQueue: Manifest.TaskLimits.FullQueue?
        if let bound = queue.limits.maxQueued {
            let (own, hasOthers) = queue.tasksToTake
            if own > 0, own + queued() > bound { fullQueue = queue.limits.whenFull }
            // Tasks that were persisted before are promised, so the request is not refused.
            if fullQueue == .refuse, !hasOthers { fullQueue = .run }
        }
        if fullQueue == .refuse {
            fail(QueueFull())
            refuse(retryAfter: retryAfter)
        } else if let store {
            persist(or: retryAfter, logger) {
                _ = try queue.persist(
                    in: store, runsHere: fullQueue != .leave, answer: answer, within: transaction)
            }
        }
        return fullQueue
    }

    /// Calls `body`, which makes the effects of the request durable. If it throws, the response is replaced.
    private func persist(or retryAfter: Duration, _ logger: Logger, _ body: () throws -> Void) {
        do {
            try body()
        } catch let error as CommitConflict {
            log(error, "the transaction could not be committed, the request is answered 409", to: logger)
            fail(error)
            response = errors.response(to: HTTPError(.conflict))
        } catch {
            if let request { Self.log(error, of: request, to: logger) }
            fail(error)
            refuse(retryAfter: retryAfter)
        }
    }

    private func log(_ error: any Error, _ message: Logger.Message, to logger: Logger) {
        guard let request else { return }
        logger.warning(
            message,
            metadata: [
                "request": "\(request.id)", "route": "\(request.route)",
                "error": "\(LoggedError.text(error))",
            ])
    }

    /// Logs that durable tasks could not be persisted.
    static func log(_ error: any Error, of request: Request, to logger: Logger) {
        let stored = request.storage.tasks.queue?.queued.filter { $0.stored != nil && !$0.isPersisted }
        logger.error(
            "durable tasks could not be persisted, the request is answered 503",
            metadata: [
                "request": "\(request.id)", "route": "\(request.route)", "count": "\(stored?.count ?? 0)",
                "error": "\(LoggedError.text(error))",
            ])
    }

    /// Replaces the response by 503 with `Retry-After`.
    private func refuse(retryAfter: Duration) {
        let seconds = retryAfter.components.seconds
        response = errors.response(
            to: HTTPError(.serviceUnavailable, headers: [.retryAfter: "\(seconds)"]))
    }

    /// Continues the events of a channel after the last one that the client has got. If none can follow, the response is 204.
    func resumeEvents() {
        guard case .stream(let body) = response.body, var subscription = body.subscription else { return }
        if let id = request?.lastEventID, !id.isEmpty {
            subscription.resume(after: id)
            response.body = .stream(StreamBody(subscription))
        }
        if subscription.isOver {
            response = Response(status: .noContent, headers: [.cacheControl: "no-store"])
        }
    }

    /// Whether the response stays open after its worker has written its head.
    var staysOpen: Bool {
        guard case .stream(let body) = response.body, body.subscription != nil else { return false }
        return !isHead && response.status.allowsBody
    }

    /// Refuses an event stream, because the process has as many as it may have.
    func refuseStream(retryAfter: Duration) {
        fail(TooManyStreams())
        refuse(retryAfter: retryAfter)
    }

    /// Applies the request's conditions and ranges to a file response (`Response.selected`).
    func selectFile(in location: FileLocation?) {
        if case .file = response.body, let request {
            response = response.selected(
                for: request.method, request.headers, in: location, errors: errors)
        }
    }

    /// Discards the handler's response, because the control thread has answered 504 in the worker's place.
    func timeOut(after duration: Duration?) {
        self.duration = duration
        fail(error ?? CancellationError())
        keyed = nil
        response = errors.response(to: HTTPError(.gatewayTimeout))
    }

    /// Releases the request's resources after its response is finished.
    ///
    /// - Returns: the tasks to run now, if there are any, with the access record.
    func conclude(isDelivered: Bool, on executor: WorkerExecutor, logger: Logger) -> TaskQueue? {
        guard let request else { return nil }
        let storage = request.storage
        storage.body.close()
        if let dependencies = storage.dependencies {
            _ = perform {
                executor.run {
                    await dependencies.release { dependency, error in
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
        // Checked first, so that the queue is not locked for requests without a span or an access record.
        if let origin = observation?.context { storage.tasks.queue?.origin = origin }
        let queue = storage.finalize(outcome)
        if let access { queue?.access = access }
        return queue
    }
}

extension Response {
    /// The largest number of ids in `Task-Id`, because a response's head is limited (`ResponseHead.limit`). The handler
    /// gets all ids.
    static let namedTasks = 32

    mutating func setTaskIDs(_ ids: [String]) {
        guard !ids.isEmpty, let name = HTTPField.Name("Task-Id") else { return }
        headers[name] = ids.prefix(Self.namedTasks).joined(separator: ", ")
    }
}

/// The error of a request that was refused because the process has too many event streams.
private struct TooManyStreams: Error, CustomStringConvertible {
    var description: String { "the process has as many event streams as it may have: limits.event-streams" }
}

/// The error of a request that was refused because the worker's task queue is full.
private struct QueueFull: Error, CustomStringConvertible {
    var description: String { "the worker's task queue is full: tasks.max-queued" }
}
