internal import Logging
internal import Tracing

/// The request or task for which the current code runs.
enum RequestScope: Sendable {
    case request(RequestIdentity)
    case task(any ScopedTask)

    @TaskLocal static var current: RequestScope?

    /// The provider that adds the current request or task to the entries of all loggers.
    static let metadataProvider = Logger.MetadataProvider { current?.metadata ?? [:] }

    /// The metadata of log entries.
    var metadata: Logger.Metadata {
        switch self {
        case .request(let request):
            return ["request": "\(request.id)", "route": "\(request.route)"]
        case .task(let task):
            var metadata: Logger.Metadata = [
                "request": "\(task.requestID)", "route": "\(task.route)", "task": "\(task.taskName)",
            ]
            if task.attempt > 1 { metadata["attempt"] = "\(task.attempt)" }
            return metadata
        }
    }

    /// Calls `operation` with this scope and its trace context as task-local values; async code that it starts
    /// inherits them.
    ///
    /// - Parameter context: the trace context; nil if nothing is traced.
    func run<Value>(tracing context: ServiceContext?, _ operation: () throws -> Value) rethrows -> Value {
        try RequestScope.$current.withValue(self) {
            guard let context else { return try operation() }
            return try ServiceContext.withValue(context, operation: operation)
        }
    }
}

/// The properties of a task that a scope provides.
protocol ScopedTask: Sendable {
    /// The id of the request whose handler has added the task.
    var requestID: String { get }
    /// The pattern of the request's route.
    var route: String { get }
    /// The task's name, or its source location.
    var taskName: String { get }
    /// The number of the attempt, from 1.
    var attempt: Int { get }
}

/// A log handler that adds the current request or task to each entry.
///
/// The scope is looked up when an entry is written, so that requests that log nothing do not pay for a logger of their
/// own.
struct ScopeLogHandler: LogHandler {
    private var base: any LogHandler

    init(_ base: any LogHandler) { self.base = base }

    func log(event: LogEvent) {
        guard let scope = RequestScope.current else { return base.log(event: event) }
        var event = event
        event.metadata = scope.metadata.merging(event.metadata ?? [:]) { $1 }
        base.log(event: event)
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue }
    }

    var metadata: Logger.Metadata {
        get { base.metadata }
        set { base.metadata = newValue }
    }

    var metadataProvider: Logger.MetadataProvider? {
        get { base.metadataProvider }
        set { base.metadataProvider = newValue }
    }

    var logLevel: Logger.Level {
        get { base.logLevel }
        set { base.logLevel = newValue }
    }
}

extension Logger {
    /// The same logger, which adds the current request and task to its entries.
    var scoped: Logger {
        var logger = self
        logger.handler = ScopeLogHandler(handler)
        return logger
    }
}
