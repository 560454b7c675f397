internal import HTTPTypes
internal import Logging
internal import PostludeFastCGI
internal import PostludeManifest
internal import PostludeRouting
internal import PostludeScoreboard

/// Finds the route of a request.
final class Router: Sendable {
    /// A class, because several values of a request refer to it, and copying its members would count ten references.
    final class Route: Sendable {
        let pattern: String
        let handler: Handler
        /// The middleware around the handler, the outermost first: the application's, the groups', the route's own.
        let middleware: [any Middleware]
        let limits: Manifest.Limits
        let tasks: Manifest.TaskLimits
        /// nil if the route ignores `Idempotency-Key`.
        let idempotency: Manifest.Idempotency?
        /// Whether `idempotency` is set. Each request looks at this, which is cheaper than a copy of that.
        let takesKeys: Bool
        /// Whether the body is read after the middleware, because a guard may refuse the request before.
        let readsBodyLate: Bool
        /// The route's name in the scoreboard's counters.
        let counted: CountedRoute

        init(
            pattern: String, handler: Handler, middleware: [any Middleware], limits: Manifest.Limits,
            tasks: Manifest.TaskLimits, idempotency: Manifest.Idempotency? = nil
        ) {
            self.pattern = pattern
            self.handler = handler
            self.middleware = middleware
            self.limits = limits
            self.tasks = tasks
            self.idempotency = idempotency
            takesKeys = idempotency != nil
            readsBodyLate = handler.bodyUse != .stream && !Guards.dependencies(of: middleware).isEmpty
            counted = CountedRoute(pattern)
        }
    }

    /// The result of routing a request by its head.
    enum Resolution {
        case route(Route, HTTPRequest.Method, RoutePath, Request.Parameters)
        /// A valid request that no route matches.
        case noRoute(HTTPError, HTTPRequest.Method, RoutePath)
        /// A request with a malformed method or path.
        case malformed(HTTPError)

        /// The route; nil if no route matches.
        var route: Route? {
            if case .route(let route, _, _, _) = self { route } else { nil }
        }

        /// How the request's body is read: collected or streamed for the handler, or ignored if no route matches.
        var bodyPolicy: BodyPolicy {
            guard let route else { return .ignore }
            return route.handler.bodyUse == .stream || route.readsBodyLate
                ? .stream(limit: route.limits.body) : .collect(limit: route.limits.body)
        }
    }

    /// The folder for the files of multipart bodies.
    let uploadFolder: String
    /// The paths of the application's own routes, for links.
    let paths: RoutePaths
    private let table: RouteTable
    private let routes: [Route]
    private let logger: Logger

    /// - Parameters:
    ///   - handlers: the handlers by name, with every name that the manifest uses; the manifest was checked against them.
    ///   - hooks: the application's hooks, with all middleware that the manifest names.
    init(
        manifest: Manifest, handlers: [String: Handler], hooks: ApplicationHooks, logger: Logger
    ) throws {
        let documentation = try DocumentationRoutes.routes(
            for: manifest, handlers: handlers, errors: hooks.errorFormat, guards: hooks.guards)
        table = try RouteTable(
            documentation.map { (methods: [.get], pattern: $0.pattern) }
                + manifest.routes.map { (methods: $0.methods, pattern: $0.pattern) })
        let own = documentation.map { route in
            Route(
                pattern: route.pattern.text, handler: route.handler, middleware: hooks.middleware,
                limits: manifest.limits, tasks: manifest.tasks)
        }
        let others = try manifest.routes.map { route in
            guard let handler = handlers[route.handler] else {
                throw MissingName(kind: "handler", name: route.handler)
            }
            let middleware = try route.middleware.map { name in
                guard let middleware = hooks.routeMiddleware[name] else {
                    throw MissingName(kind: "middleware", name: name)
                }
                return middleware
            }
            return Route(
                pattern: route.pattern.text, handler: handler, middleware: hooks.middleware + middleware,
                limits: route.limits, tasks: route.tasks, idempotency: route.idempotency)
        }
        routes = own + others
        uploadFolder = manifest.uploads.folder
        paths = RoutePaths(manifest.routes)
        self.logger = logger
    }

    func resolve(_ head: RequestHead, using matcher: RouteMatcher) -> Resolution {
        guard let name = head.string("REQUEST_METHOD"), let method = HTTPRequest.Method(name),
            let uri = head.value("REQUEST_URI")
        else { return .malformed(HTTPError(.badRequest)) }
        do throws(RoutePath.Refusal) {
            let path = try RoutePath(requestURI: uri)
            switch table.route(method, path, using: matcher) {
            case .route(let index, let parameters):
                guard routes.indices.contains(index) else {
                    return .noRoute(HTTPError(.notFound), method, path)
                }
                return .route(routes[index], method, path, Request.Parameters(values: parameters))
            case .notFound:
                return .noRoute(HTTPError(.notFound), method, path)
            case .methodNotAllowed(let allowed):
                let value = allowed.map(\.rawValue).joined(separator: ", ")
                return .noRoute(HTTPError(.methodNotAllowed, headers: [.allow: value]), method, path)
            case .refused:
                logger.warning("a path exhausted the match limit", metadata: ["path": "\(path)"])
                return .noRoute(HTTPError(.badRequest), method, path)
            }
        } catch {
            logger.debug("a path was refused", metadata: ["reason": "\(error)"])
            return .malformed(HTTPError(.badRequest))
        }
    }
}

/// The error of a manifest that names a handler or middleware that the application does not have.
private struct MissingName: Error, CustomStringConvertible {
    let kind: String
    let name: String
    var description: String { "the application has no \(kind) \"\(name)\"" }
}
