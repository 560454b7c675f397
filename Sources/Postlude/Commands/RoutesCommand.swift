internal import ArgumentParser
internal import HTTPTypes
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeRouting

struct RoutesCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "routes", abstract: "Show the routes as a table, in the order of the manifest.")
    }

    @OptionGroup var options: ManifestOptions

    @Flag(name: .long, help: "Print the routes as JSON.")
    var json = false

    func run() throws {
        let manifest = try options.load(for: App().registeredHandlers)
        let documentation = manifest.openAPI.paths
        if json {
            let routes: [DocumentNode] =
                manifest.routes.map(\.node)
                + documentation.map { path, name in
                    .object([
                        "methods": .array([.string("GET")]), "pattern": .string(path), "shows": .string(name),
                    ])
                }
            return try printOutput(DocumentNode.array(routes).text(isPretty: true))
        }
        // A column is left out if it is empty for all routes.
        let hasMiddleware = manifest.routes.contains { !$0.middleware.isEmpty }
        let hasKeys = manifest.routes.contains { $0.idempotency != nil }
        func row(
            _ methods: String, _ pattern: String, _ handler: String, _ middleware: String, _ key: String,
            _ place: String
        ) -> [String] {
            [methods, pattern] + (hasMiddleware ? [middleware] : []) + (hasKeys ? [key] : [])
                + [handler, place]
        }
        let rows = manifest.routes.map { route in
            row(
                route.methods.map(\.rawValue).joined(separator: ","), route.pattern.text, route.handler,
                route.middleware.joined(separator: ","), route.idempotency?.key.rawValue ?? "",
                "\(route.location)")
        }
        try printOutput(
            TextTable(
                header: row("METHODS", "PATTERN", "HANDLER", "MIDDLEWARE", "KEY", "MANIFEST"),
                rows: rows + documentation.map { row("GET", $0.path, $0.name, "", "", "") }))
    }
}

extension Manifest.Route {
    /// The route in the JSON output of the commands.
    var node: DocumentNode {
        .object([
            "methods": .array(methods.map { .string($0.rawValue) }), "pattern": .string(pattern.text),
            "handler": .string(handler), "middleware": .array(middleware.map { .string($0) }),
            "idempotency": idempotency.map { .string($0.key.rawValue) },
            "location": location.node,
        ])
    }
}

extension SourceLocation {
    var node: DocumentNode {
        .object([
            "file": .string(file), "line": position.map { .value(.integer($0.line)) },
            "column": position.map { .value(.integer($0.column)) },
        ])
    }
}

struct MatchCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "match", abstract: "Show which route matches a request, and its parameters.",
            discussion: "Exits with 1 if no route matches.")
    }

    @OptionGroup var options: ManifestOptions

    @Argument(help: "The method, such as GET.")
    var method: String

    @Argument(help: "The path as a client sends it, with or without a query.")
    var path: String

    @Flag(name: .long, help: "Print the answer as JSON.")
    var json = false

    func run() throws {
        let manifest = try options.load(for: App().registeredHandlers)
        guard let method = HTTPRequest.Method(method) else {
            throw ValidationError("\"\(method)\" is not an HTTP method")
        }
        let documentation = manifest.openAPI.paths
        // At the end: no route of the manifest matches these paths.
        let table = try RouteTable(
            manifest.routes.map { (methods: $0.methods, pattern: $0.pattern) }
                + documentation.map { (methods: [.get], pattern: try RoutePattern($0.path)) })
        let normalized: RoutePath
        do throws(RoutePath.Refusal) {
            normalized = try RoutePath(requestURI: path.utf8)
        } catch {
            return try refuse(.badRequest, "\(error)")
        }
        switch table.route(method, normalized, using: try RouteMatcher()) {
        case .route(let index, _) where index >= manifest.routes.count:
            let (path, name) = documentation[index - manifest.routes.count]
            try show(["pattern": .string(path), "shows": .string(name)], lines: [name])
        case .route(let index, let parameters):
            let route = manifest.routes[index]
            let values = parameters.map { DocumentNode.Member(name: $0.name, value: .string($0.value)) }
            try show(
                ["route": route.node, "parameters": .object(values)],
                lines: ["\(route.handler)  (\(route.pattern.text), \(route.location))"]
                    + parameters.map { LogText.escaped("  \($0.name) = \($0.value)") })
        case .notFound:
            try refuse(.notFound, "no route matches the path \(normalized)")
        case .methodNotAllowed(let allowed):
            try refuse(
                .methodNotAllowed,
                "\(normalized) accepts \(allowed.map(\.rawValue).joined(separator: ", "))")
        case .refused:
            try refuse(.badRequest, "the path exhausts the match limit")
        }
    }

    private func show(_ members: KeyValuePairs<String, DocumentNode?>, lines: [String]) throws {
        try printOutput(
            json ? DocumentNode.object(members).text(isPretty: true) : lines.joined(separator: "\n"))
    }

    private func refuse(_ status: HTTPResponse.Status, _ reason: String) throws {
        try show(
            ["status": .value(.integer(status.code)), "reason": .string(reason)],
            lines: [LogText.escaped("\(status.code) \(status.reasonPhrase): \(reason)")])
        throw ExitCode.failure
    }
}
