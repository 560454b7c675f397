internal import FastCGI
internal import HTTPTypes
internal import Logging
internal import Manifest
internal import Routing
internal import Workers

/// Answers requests: finds the route, calls its handler, and makes a response of whatever comes back.
struct Responder: Sendable {
    struct Route: Sendable {
        let pattern: String
        let handler: Handler
        let limits: Manifest.Limits
        let tasks: Manifest.TaskLimits
    }

    /// What is known of a request once its head is.
    enum Resolution {
        case route(Route, HTTPRequest.Method, RoutePath, Request.Parameters)
        case error(HTTPError)
    }

    private let table: RouteTable
    private let routes: [Route]
    private let registry: TaskRegistry
    private let logger: Logger

    /// - Parameter handlers: has every name that the manifest uses; the manifest was checked against it.
    init(
        manifest: Manifest, handlers: [String: Handler], registry: TaskRegistry, logger: Logger
    ) throws {
        table = try RouteTable(manifest.routes.map { (methods: $0.methods, pattern: $0.pattern) })
        routes = try manifest.routes.map { route in
            guard let handler = handlers[route.handler] else { throw MissingHandler(name: route.handler) }
            return Route(
                pattern: route.pattern.text, handler: handler, limits: route.limits, tasks: route.tasks)
        }
        self.registry = registry
        self.logger = logger
    }

    /// Finds the route of a request.
    func resolve(_ head: RequestHead, using matcher: RouteMatcher) -> Resolution {
        guard let name = head.string("REQUEST_METHOD"), let method = HTTPRequest.Method(name),
            let uri = head.value("REQUEST_URI")
        else { return .error(HTTPError(.badRequest)) }
        do throws(RoutePath.Refusal) {
            let path = try RoutePath(requestURI: uri)
            switch table.route(method, path, using: matcher) {
            case .route(let index, let parameters):
                guard routes.indices.contains(index) else { return .error(HTTPError(.notFound)) }
                return .route(routes[index], method, path, Request.Parameters(values: parameters))
            case .notFound:
                return .error(HTTPError(.notFound))
            case .methodNotAllowed(let allowed):
                let value = allowed.map(\.rawValue).joined(separator: ", ")
                return .error(HTTPError(.methodNotAllowed, headers: [.allow: value]))
            case .refused:
                logger.warning("a path exhausted the match limit", metadata: ["path": "\(path)"])
                return .error(HTTPError(.badRequest))
            }
        } catch {
            logger.debug("a path was refused", metadata: ["reason": "\(error)"])
            return .error(HTTPError(.badRequest))
        }
    }

    /// What happens to the body of a request: collected for its handler, or ignored where there is none.
    func bodyPolicy(for head: RequestHead, using matcher: RouteMatcher) -> BodyPolicy {
        switch resolve(head, using: matcher) {
        case .route(let route, _, _, _): .collect(limit: route.limits.body)
        case .error: .ignore
        }
    }

    /// Calls the handler of a request that is complete.
    ///
    /// - Returns: the response, whether its body is left out because the method is HEAD, and the tasks to run after it.
    func respond(
        to head: RequestHead, body: [UInt8], using matcher: RouteMatcher, on executor: WorkerExecutor
    ) -> (response: Response, isHead: Bool, tasks: TaskQueue?) {
        switch resolve(head, using: matcher) {
        case .error(let error):
            return (.error(error), head.string("REQUEST_METHOD") == "HEAD", nil)
        case .route(let route, let method, let path, let parameters):
            let source = TaskQueueSource(registry: registry, limits: route.tasks, logger: logger)
            let request = Request(
                RequestStorage(
                    method: method, path: path, route: route.pattern, parameters: parameters, head: head,
                    body: body, tasks: source))
            do {
                let response = try call(route.handler, request, on: executor)
                return (response, method == .head, source.queue)
            } catch {
                drop(source.queue)
                return (self.response(to: error, of: request), method == .head, nil)
            }
        }
    }

    private func call(_ handler: Handler, _ request: Request, on executor: WorkerExecutor) throws -> Response
    {
        switch handler.function {
        case .sync(let function): try function(request)
        case .async(let function): try executor.run { try await function(request) }.get()
        }
    }

    /// A client learns what it did wrong, and nothing of what we did.
    private func response(to error: any Error, of request: Request) -> Response {
        switch error {
        case let error as InputError:
            return (try? .json(error, status: .unprocessableContent))
                ?? .error(HTTPError(.unprocessableContent))
        case let error as HTTPError:
            return .error(error)
        default:
            logger.error(
                "handler failed",
                metadata: [
                    "request": "\(request.id)", "route": "\(request.route)", "method": "\(request.method)",
                    "error": "\(error)",
                ])
            return .error(HTTPError(.internalServerError))
        }
    }

    private func drop(_ queue: TaskQueue?) {
        guard let queue else { return }
        registry.remove(queue)
        let dropped = queue.drop()
        guard !dropped.isEmpty else { return }
        logger.warning(
            "handler failed, its tasks were dropped",
            metadata: [
                "request": "\(queue.requestID)", "route": "\(queue.route)", "count": "\(dropped.count)",
                "tasks": "\(dropped.joined(separator: ", "))",
            ])
    }
}

/// A manifest that was checked against other handlers than those it is served with.
private struct MissingHandler: Error, CustomStringConvertible {
    let name: String
    var description: String { "the application has no handler \"\(name)\"" }
}
