internal import HTTPTypes
internal import Logging
internal import PostludeFastCGI
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeRouting
internal import PostludeScoreboard
internal import PostludeThreads

/// Answers requests: calls middleware and the handler, and makes a response of the value or error that they return.
struct Responder: Sendable {
    private let router: Router
    private let hooks: ApplicationHooks
    private let registry: TaskRegistry
    private let logger: Logger
    private let observability: Observability

    init(
        router: Router, hooks: ApplicationHooks, registry: TaskRegistry, logger: Logger,
        observability: Observability? = nil
    ) {
        self.router = router
        self.hooks = hooks
        self.registry = registry
        self.logger = logger
        self.observability = observability ?? Observability(logger: logger)
    }

    /// Answers a request, on the calling worker's thread.
    ///
    /// - Parameters:
    ///   - resolution: the result of routing the request.
    ///   - watch: called with the request and its route before the application's code; returns the cancellation of the
    ///     request, if it can be cancelled.
    func respond(
        to head: RequestHead, body: BodySource, as resolution: Router.Resolution,
        on executor: WorkerExecutor,
        watch: (Request, Router.Route) -> RequestCancellation? = { _, _ in nil }
    ) -> RequestExecution {
        switch resolution {
        case .malformed(let error):
            return RequestExecution(
                ErrorAnswers(hooks.errorFormat, to: head).response(to: error),
                isHead: head.string("REQUEST_METHOD") == "HEAD")
        case .noRoute(let error, let method, let path):
            let request = request(method, path, head: head, body: body)
            return run(.sync { _ in throw error }, for: request, on: executor)
        case .route(let route, let method, let path, let parameters):
            let request = request(method, path, route, parameters, head: head, body: body)
            request.storage.body.readTime = route.limits.readTime
            request.storage.body.isLate = route.readsBodyLate
            if let cancellation = watch(request, route) { request.storage.cancellation = cancellation }
            return run(
                route.handler.function, needing: route.handler.dependencies, for: request, by: route,
                on: executor)
        }
    }

    private func request(
        _ method: HTTPRequest.Method, _ path: RoutePath, _ route: Router.Route? = nil,
        _ parameters: Request.Parameters = Request.Parameters(values: RouteParameters()), head: RequestHead,
        body: BodySource
    ) -> Request {
        let tasks = TaskQueueSource(registry: registry, limits: route?.tasks ?? .init(), logger: logger)
        return Request(
            RequestStorage(
                method: method, path: path, route: route?.pattern ?? "", parameters: parameters, head: head,
                body: body, tasks: tasks, application: hooks.application, json: hooks.json,
                uploadFolder: router.uploadFolder, handler: route?.handler.name ?? "", routes: router.paths,
                errorFormat: hooks.errorFormat))
    }

    /// Calls the handler with its middleware and dependencies. Enters no async code if nothing needs to be awaited.
    private func run(
        _ function: Handler.Function, needing dependencies: [any RequestDependency.Type] = [],
        for request: Request, by route: Router.Route? = nil, on executor: WorkerExecutor
    ) -> RequestExecution {
        let execution = RequestExecution(of: request, observability: observability)
        execution.route = route?.counted
        execution.perform {
            call(
                function, of: route, needing: dependencies, for: request, on: executor, in: execution)
            execution.replayAnswer()
            execution.resumeEvents()
            do {
                try ResponseHead.check(execution.response)
            } catch {
                execution.response = answer(to: error, in: execution, request)
            }
        }
        return execution
    }

    private func call(
        _ function: Handler.Function, of route: Router.Route?,
        needing dependencies: [any RequestDependency.Type], for request: Request, on executor: WorkerExecutor,
        in execution: RequestExecution
    ) {
        let middleware = route?.middleware ?? hooks.middleware
        if middleware.isEmpty, dependencies.isEmpty, case .sync(let function) = function {
            do {
                execution.response = try execution.beginKey(of: route) ?? function(request)
            } catch {
                execution.response = answer(to: error, in: execution, request)
            }
            return
        }
        let result = executor.run {
            await pass(request, execution, through: middleware[...], call: 0) { request in
                if route?.readsBodyLate == true { try request.storage.body.collect() }
                if let route, route.takesKeys {
                    for type in route.handler.principals { try await request.resolve(type) }
                    if let answer = try execution.beginKey(of: route) { return answer }
                }
                for type in dependencies { try await request.resolve(type) }
                return try await function(request)
            }
        } started: { cancel in
            request.storage.cancellation?.setCancellation(cancel)
        }
        switch result {
        case .success(let response): execution.response = response
        case .failure:
            execution.response = request.storage.errors.internalServerError(requestID: request.id)
        }
    }

    /// Calls the first middleware, which calls the next one, down to the handler. An error of one level becomes a
    /// response for the level around it.
    ///
    /// - Parameter call: the number of this call (`TaskCalls`).
    private func pass(
        _ request: Request, _ execution: RequestExecution, through middleware: ArraySlice<any Middleware>,
        call: Int,
        to handler: Middleware.Next
    ) async -> Response {
        do {
            guard let first = middleware.first else { return try await handler(request) }
            let storage = request.storage
            var last: Int?
            return try await first.respond(to: request) { request in
                if let last { execution.restart(after: last) }
                let inner = storage.tasks.beginCall()
                last = inner
                defer { storage.tasks.endCall(to: call) }
                return await pass(
                    request, execution, through: middleware.dropFirst(), call: inner, to: handler)
            }
        } catch {
            return answer(to: error, in: execution, request, call: call)
        }
    }

    /// Returns the response for an error. Describes errors of the client, and no internal ones.
    private func answer(
        to error: any Error, in execution: RequestExecution, _ request: Request, call: Int = 0
    ) -> Response {
        execution.fail(error, in: call)
        let answers = request.storage.errors
        if let error = error as? TasksNotPersisted {
            RequestExecution.log(error.reason, of: request, to: logger)
            return answers.response(to: HTTPError(.serviceUnavailable))
        }
        if error is CommitConflict {
            logger.warning(
                "another transaction has made the request's impossible, it is answered 409",
                metadata: [
                    "request": "\(request.id)", "route": "\(request.route)",
                    "error": "\(LoggedError.text(error))",
                ])
            return answers.response(to: HTTPError(.conflict))
        }
        if error is KeyNotBegun {
            log(error, of: request)
            return answers.response(to: HTTPError(.serviceUnavailable))
        }
        var error = error
        do {
            if let response = try hooks.response(error, request) {
                try ResponseHead.check(response)
                return response
            }
        } catch let other {
            error = other
        }
        switch error {
        case let error as InputError:
            return answers.response(to: error)
        case let error as HTTPError:
            return answers.response(to: error)
        case is CancellationError where request.isCancelled:
            // The handler has ended because it was cancelled, which is logged elsewhere.
            return answers.response(to: HTTPError(.gatewayTimeout))
        case let known as any ResponseConvertible:
            // An error of the application that provides its own response.
            do {
                let response =
                    try (known as? any ProblemConvertible).map { answers.response(to: $0.problem) }
                    ?? known.response()
                if response.status.kind == .serverError { log(error, of: request) }
                return response
            } catch let other {
                log(other, of: request)
            }
        default: log(error, of: request)
        }
        return answers.internalServerError(requestID: request.id)
    }

    private func log(_ error: any Error, of request: Request) {
        logger.error(
            "handler failed",
            metadata: [
                "request": "\(request.id)", "route": "\(request.route)", "method": "\(request.method)",
                "error": "\(LoggedError.text(error))",
            ])
    }
}
