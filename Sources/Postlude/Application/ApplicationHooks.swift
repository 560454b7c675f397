/// What the server asks an application for besides its handlers.
struct ApplicationHooks: Sendable {
    /// The application itself, for inputs and dependencies that need what it holds.
    var application: (any Application)?
    var middleware: [any Middleware] = []
    var json = JSONFormat()
    var response: @Sendable (any Error, Request) throws -> Response? = { _, _ in nil }
    var taskFailed: @Sendable (TaskFailure) -> Void = { _ in }
}

extension ApplicationHooks {
    init(_ application: some Application) {
        self.init(
            application: application, middleware: application.middleware, json: application.json,
            response: { try application.response(to: $0, request: $1) },
            taskFailed: { application.taskFailed($0) })
    }
}
