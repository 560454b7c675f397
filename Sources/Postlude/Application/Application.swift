public import Logging
public import ServiceLifecycle

/// An application that Postlude serves: its handlers, under the names that the manifest uses.
///
/// ```swift
/// @main
/// struct Notifications: Application {
///     var handlers: Handlers {
///         Handler("send-notification", sendNotification)
///         Handler("process-item", processItem)
///     }
/// }
/// ```
///
/// The executable is its own tool: `serve`, `check`, `routes`, `match`, `openapi` and `schema`.
public protocol Application: Sendable {
    /// Called once in each process, before the first request. The supervisor and the command line's tools call it too, to
    /// know the handlers: what opens something, or takes long, belongs into ``start()``.
    init()

    /// The application's version, for `--version`; by default none is known.
    static var version: String { get }

    /// The handler of log entries, of Postlude's and of the application's own. Called for each logger; with nil, the default,
    /// entries go where the manifest's `log` says. The access log always does.
    ///
    /// An entry reaches the handler if it is at least as severe as the manifest's `level` and as the handler's `logLevel`.
    ///
    /// - Parameters:
    ///   - label: the logger's, such as `postlude`.
    ///   - metadataProvider: says which request and task an entry belongs to.
    static func logHandler(label: String, metadataProvider: Logger.MetadataProvider?) -> (any LogHandler)?

    /// The application's handlers. Read once, at the start.
    @HandlersBuilder var handlers: Handlers { get }

    /// What happens before and after each handler, the outermost first. Read once, at the start; by default nothing.
    var middleware: [any Middleware] { get }

    /// Middleware for single routes and groups of routes, under the names that the manifest uses. It is inside of
    /// ``middleware``. Read at the start, for its names and for itself; by default none.
    var routeMiddleware: KeyValuePairs<String, any Middleware> { get }

    /// How values are written as JSON. Read once, at the start; by default with as many digits of a second as dates need.
    var json: JSONFormat { get }

    /// Services of swift-service-lifecycle that the application needs, such as a database client: started before it, in
    /// this order, and told to stop when its last task has ended. Read once, at the start; by default none.
    var services: [any Service] { get }

    /// What keeps tasks that must not be lost, and runs them: `.durable { … }` of the module PostludeDurable. Read once, at
    /// the start; by default there is none.
    var taskEngine: TaskEngine? { get }

    /// Called before the first request is taken: opens what the handlers need.
    ///
    /// - Throws: what keeps the process from starting; it is printed and logged, and the exit status is 1.
    func start() async throws

    /// Called when the last request is answered and the last task has ended: closes what `start` has opened.
    ///
    /// - Throws: what is logged; the process ends all the same.
    func stop() async throws

    /// The answer to an error that a handler, an input or middleware has thrown: asked first, also for an ``HTTPError`` and
    /// an ``InputError``.
    ///
    /// - Returns: nil, the default, for what the error means by itself; one of the application's own is logged, and answered
    ///   500 with the request's id.
    func response(to error: any Error, request: Request) throws -> Response?

    /// Called on the worker's thread when a task has failed for good, after it was logged.
    func taskFailed(_ failure: TaskFailure)
}

extension Application {
    public static var version: String { "" }
    public static func logHandler(label: String, metadataProvider: Logger.MetadataProvider?) -> (
        any LogHandler
    )? {
        nil
    }
    public var middleware: [any Middleware] { [] }
    public var routeMiddleware: KeyValuePairs<String, any Middleware> { [:] }
    public var json: JSONFormat { JSONFormat() }
    public var services: [any Service] { [] }
    public var taskEngine: TaskEngine? { nil }
    public func start() async throws {}
    public func stop() async throws {}
    public func response(to error: any Error, request: Request) throws -> Response? { nil }
    public func taskFailed(_ failure: TaskFailure) {}
}

extension Application {
    /// What a manifest is checked against if its `task-store` does not matter: the handlers, and the names of middleware.
    var handlersWithMiddleware: Handlers {
        var handlers = handlers
        handlers.middleware = routeMiddleware.map(\.key)
        return handlers
    }

    /// What a manifest is checked against.
    var registeredHandlers: Handlers {
        var handlers = handlersWithMiddleware
        let engine = taskEngine
        handlers.hasTaskEngine = engine != nil
        handlers.taskEngineProblems = engine?.parts.problems ?? []
        if let parts = engine?.parts {
            handlers.taskEngineMistakes = { parts.mistakes(in: $0, file: $1) }
        }
        return handlers
    }
}
