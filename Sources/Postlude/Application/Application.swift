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
/// The executable has the subcommands `serve`, `check`, `routes`, `match`, `openapi`, `nginx`, `schema`, `status`
/// and `manual`.
public protocol Application: Sendable {
    /// Creates the application. Called once in each process, before the first request. The supervisor and the command
    /// line's tools call it too, to get the handlers: open resources and do slow work in ``start()``.
    init()

    /// The application's version, for `--version`; by default empty.
    static var version: String { get }

    /// Returns the handler of log entries, for Postlude's and the application's own. Called for each logger. If it
    /// returns nil, as by default, entries go to the manifest's `log`. The access log always goes there.
    ///
    /// An entry reaches the handler if it is at least as severe as the manifest's `level` and as the handler's `logLevel`.
    ///
    /// - Parameters:
    ///   - label: the logger's label, such as `postlude`.
    ///   - metadataProvider: adds the current request and task to entries.
    static func logHandler(label: String, metadataProvider: Logger.MetadataProvider?) -> (any LogHandler)?

    /// The application's handlers. Read once, at start.
    @HandlersBuilder var handlers: Handlers { get }

    /// The middleware around each handler, the outermost first. Read once, at start; empty by default.
    var middleware: [any Middleware] { get }

    /// Middleware for single routes and groups of routes, under the names that the manifest uses. It is inside of
    /// ``middleware``. Read at start, once for the names and once for the values; empty by default.
    var routeMiddleware: KeyValuePairs<String, any Middleware> { get }

    /// The format of values in JSON. Read once, at start; by default, dates have as many fractional digits as they need.
    var json: JSONFormat { get }

    /// The format of the answers to errors, those of handlers and the server's own ones. Read once, at start; by default that of
    /// FastAPI.
    var errorFormat: ErrorFormat { get }

    /// Services of swift-service-lifecycle that the application needs, such as a database client. They are started before
    /// the application, in this order, and stopped after its last task has ended. Read once, at start; empty by default.
    var services: [any Service] { get }

    /// The engine that stores and runs tasks that must not be lost: `.durable { … }` of the module PostludeDurable. Read
    /// once, at start; nil by default.
    var taskEngine: TaskEngine? { get }

    /// Opens the resources that the handlers need. Called before the first request is accepted.
    ///
    /// - Throws: an error that prevents the start. It is printed and logged, and the exit status is 1.
    func start() async throws

    /// Closes the resources that `start` has opened. Called after the last request is answered and the last task has
    /// ended.
    ///
    /// - Throws: an error that is logged; the process ends nevertheless.
    func stop() async throws

    /// Returns the response to an error that a handler, an input or middleware has thrown. Called before the default
    /// handling, also for an ``HTTPError`` and an ``InputError``.
    ///
    /// - Returns: nil, the default, for the default handling: an error of the application's own type is logged, and
    ///   answered with 500 and the request's id.
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
    public var errorFormat: ErrorFormat { .fastAPI }
    public var services: [any Service] { [] }
    public var taskEngine: TaskEngine? { nil }
    public func start() async throws {}
    public func stop() async throws {}
    public func response(to error: any Error, request: Request) throws -> Response? { nil }
    public func taskFailed(_ failure: TaskFailure) {}
}

extension Application {
    /// The handlers and the names of middleware, for checking a manifest without its `task-store`.
    var registeredHandlersWithoutTaskEngine: Handlers {
        var handlers = handlers
        handlers.middleware = routeMiddleware.map(\.key)
        return handlers
    }

    /// The handlers, the names of middleware and the task engine, for checking a manifest.
    var registeredHandlers: Handlers {
        var handlers = registeredHandlersWithoutTaskEngine
        let engine = taskEngine
        handlers.hasTaskEngine = engine != nil
        handlers.needsTaskStore = engine?.parts.needsTaskStore ?? false
        handlers.taskEngineProblems =
            (engine?.parts.problems ?? [])
            + handlers.all.compactMap { handler in
                guard let input = handler.transaction else { return nil as String? }
                let problem =
                    engine.map { $0.parts.problem(ofTransaction: input) }
                    ?? "\(input) needs an application with a taskEngine"
                return problem.map { "handler \"\(handler.name)\": \($0)" }
            }
        if let parts = engine?.parts {
            let transactions = handlers.all.compactMap(\.transaction)
            handlers.taskEngineMistakes = { manifest, file in
                parts.mistakes(in: manifest, file: file)
                    + parts.mistakes(ofTransactions: transactions, in: manifest, file: file)
            }
        }
        return handlers
    }
}
