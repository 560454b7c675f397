/// The parts of an application that the server uses, except for its handlers.
struct ApplicationHooks: Sendable {
    /// The application itself, for inputs and dependencies that use its properties.
    var application: (any Application)?
    var middleware: [any Middleware] = []
    /// The middleware of single routes, by the names that the manifest uses.
    var routeMiddleware: [String: any Middleware] = [:]
    var json = JSONFormat()
    var errorFormat = ErrorFormat.fastAPI
    var response: @Sendable (any Error, Request) throws -> Response? = { _, _ in nil }
    var taskFailed: @Sendable (TaskFailure) -> Void = { _ in }
}

extension ApplicationHooks {
    /// The guards among the middleware.
    var guards: Guards { Guards(middleware, named: routeMiddleware) }

    init(_ application: some Application) {
        self.init(
            application: application, middleware: application.middleware,
            routeMiddleware: Dictionary(application.routeMiddleware.map { ($0.key, $0.value) }) { first, _ in
                first
            },
            json: application.json, errorFormat: application.errorFormat,
            response: { try application.response(to: $0, request: $1) },
            taskFailed: { application.taskFailed($0) })
    }
}
