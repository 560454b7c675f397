internal import PostludeManifest
internal import PostludeRouting

/// The handlers of an application, in the order of their declaration.
public struct Handlers: Sendable {
    let all: [Handler]
    /// The names of the application's middleware for routes.
    var middleware: [String] = []
    /// Whether the application has a task engine; nil if this is not checked.
    var hasTaskEngine: Bool?
    /// Whether that needs the manifest's `task-store`.
    var needsTaskStore = true
    /// The mistakes in the task engine's declaration.
    var taskEngineProblems: [String] = []
    /// Returns the mistakes of a manifest against the task engine.
    var taskEngineMistakes: (@Sendable (_ manifest: Manifest, _ file: String) -> [Diagnostic])?

    /// - Parameter handlers: handlers with different names. The command line reports duplicate names.
    public init(_ handlers: [Handler]) { all = handlers }

    /// The mistakes in the handlers themselves.
    var problems: [String] {
        Self.repeated(all.map(\.name)).map { "two handlers are called \"\($0)\"; names must differ" }
            + Self.repeated(middleware).map {
                "two of `routeMiddleware` are called \"\($0)\"; names must differ"
            }
            + all.compactMap { handler in handler.problem.map { "handler \"\(handler.name)\": \($0)" } }
    }

    private static func repeated(_ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.filter { !seen.insert($0).inserted }
    }

    /// Reads a manifest and checks it against these handlers.
    ///
    /// - Throws: every mistake of the handlers and of the manifest.
    func manifest(at path: String) throws -> Manifest {
        try checked(
            Manifest.read(contentsOf: path, handlers: all.map(\.name), middleware: middleware), file: path)
    }

    /// Checks a manifest's text against these handlers.
    ///
    /// - Parameters:
    ///   - file: the file's name in diagnostics.
    ///   - environment: the variables that values may use as `${NAME}`.
    /// - Throws: every mistake of the handlers and of the manifest.
    func manifest(
        _ text: String, file: String,
        environment: [String: String] = EnvironmentVariables.current
    ) throws -> Manifest {
        try checked(
            Manifest.read(
                text, file: file, handlers: all.map(\.name), middleware: middleware, environment: environment),
            file: file)
    }

    /// Reports all mistakes at once: in the handlers, in the manifest, and between them.
    private func checked(_ reading: ManifestReading, file: String) throws -> Manifest {
        var problems = problems + taskEngineProblems
        var mistakes = reading.mistakes
        if let manifest = reading.manifest {
            if let problem = problemOfTaskStore(in: reading, file: file) { problems.append(problem) }
            mistakes += pathMistakes(in: manifest)
            mistakes += idempotencyMistakes(in: manifest)
            mistakes += mistakesOfTaskEngine(in: manifest, of: reading, file: file)
        }
        guard problems.isEmpty else { throw HandlersError(problems: problems, mistakes: mistakes) }
        guard let manifest = reading.manifest, mistakes.isEmpty else {
            throw ManifestError(diagnostics: mistakes)
        }
        return manifest
    }

    /// Returns a problem if only one of durable tasks and `task-store` is present.
    private func problemOfTaskStore(in reading: ManifestReading, file: String) -> String? {
        switch (hasTaskEngine, reading.keys.contains("task-store")) {
        case (true, false) where needsTaskStore:
            """
            \(file): the application has durable tasks, and the manifest has no `task-store`: name the file that \
            keeps them, such as task-store: { path: /var/lib/app/tasks.sqlite }
            """
        case (false, true):
            """
            \(file): the manifest has a `task-store`, and the application has no durable tasks: leave it out, or give \
            the application a `taskEngine`
            """
        default: nil
        }
    }

    private func mistakesOfTaskEngine(
        in manifest: Manifest, of reading: ManifestReading, file: String
    ) -> [Diagnostic] {
        if hasTaskEngine == false { return superfluous(in: manifest) }
        // A `celery` that could not be decoded has been reported already, and is not missing.
        if manifest.celery == nil, reading.keys.contains("celery") { return [] }
        return taskEngineMistakes?(manifest, file) ?? []
    }

    /// Returns diagnostics for routes whose handlers would refuse every request, because their inputs do not match the
    /// path's parameters.
    func pathMistakes(in manifest: Manifest) -> [Diagnostic] {
        let checks = byName.mapValues(\.pathCheck)
        return manifest.routes.flatMap { route in
            (checks[route.handler]?.mistakes(in: route.pattern.parameterNames) ?? []).map {
                Diagnostic(location: route.pathLocation, message: $0)
            }
        }
    }

    /// Returns diagnostics for routes that keep answers although their handlers read a request's body in pieces, or onto the disk:
    /// two requests with the same key are compared before the handler is called. Also for those whose answer is an event stream
    /// by its type.
    private func idempotencyMistakes(in manifest: Manifest) -> [Diagnostic] {
        let handlers = byName
        return manifest.routes.compactMap { route in
            guard route.idempotency != nil, let handler = handlers[route.handler] else { return nil }
            let message: String
            if let input = handler.streamedInput {
                message = """
                    the handler "\(handler.name)" reads the body in pieces (\(input)), expected no `idempotency` for it, or a \
                    handler that takes the whole body
                    """
            } else if handler.answersEvents {
                message = """
                    the handler "\(handler.name)" answers with a stream of events, which is not kept, expected no `idempotency` \
                    for it
                    """
            } else {
                return nil
            }
            return Diagnostic(location: route.pathLocation, message: message)
        }
    }

    /// Returns diagnostics for keys that only a task engine uses.
    private func superfluous(in manifest: Manifest) -> [Diagnostic] {
        let parts = [
            (manifest.celery?.location, "broker", "celery"),
            (manifest.durableTasks.first?.location, "durable tasks", "durable-tasks"),
            (manifest.schedules.first?.task.location, "durable tasks", "schedules"),
            (
                manifest.routes.lazy.compactMap(\.idempotency).first?.location, "durable tasks",
                "idempotency"
            ),
        ]
        return parts.compactMap { location, missing, key in
            location.map {
                let message =
                    "the application has no \(missing), expected no `\(key)`, or an application with a `taskEngine`"
                return Diagnostic(location: $0, message: message)
            }
        }
    }

    /// - Throws: every mistake of the handlers.
    func check() throws {
        let problems = problems + taskEngineProblems
        guard problems.isEmpty else { throw HandlersError(problems: problems) }
    }

    var byName: [String: Handler] {
        Dictionary(all.map { ($0.name, $0) }) { first, _ in first }
    }
}

/// Mistakes in handlers, with those in the manifest.
struct HandlersError: Error, CustomStringConvertible {
    let problems: [String]
    var mistakes: [Diagnostic] = []
    var description: String { (problems + mistakes.map(\.description)).joined(separator: "\n") }
}

/// Builds `Handlers` from a list of expressions.
@resultBuilder
public enum HandlersBuilder {
    /// Adds a handler.
    public static func buildExpression(_ handler: Handler) -> [Handler] { [handler] }
    /// Adds a group of handlers that was built elsewhere.
    public static func buildExpression(_ handlers: Handlers) -> [Handler] { handlers.all }
    /// Joins several expressions.
    public static func buildBlock(_ parts: [Handler]...) -> [Handler] { parts.flatMap(\.self) }
    /// Adds the handlers of an `if` without `else`.
    public static func buildOptional(_ part: [Handler]?) -> [Handler] { part ?? [] }
    /// Adds the handlers of an `if` whose condition is met.
    public static func buildEither(first part: [Handler]) -> [Handler] { part }
    /// Adds the handlers of an `else`.
    public static func buildEither(second part: [Handler]) -> [Handler] { part }
    /// Adds the handlers of a loop.
    public static func buildArray(_ parts: [[Handler]]) -> [Handler] { parts.flatMap(\.self) }
    /// Returns all of them as the application's handlers.
    public static func buildFinalResult(_ handlers: [Handler]) -> Handlers { Handlers(handlers) }
}
