internal import ArgumentParser
internal import HTTPTypes
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
        // The column is left out if no route has middleware.
        let hasMiddleware = manifest.routes.contains { !$0.middleware.isEmpty }
        func row(
            _ methods: String, _ pattern: String, _ handler: String, _ middleware: String, _ place: String
        ) -> [String] {
            [methods, pattern] + (hasMiddleware ? [middleware] : []) + [handler, place]
        }
        let rows = manifest.routes.map { route in
            row(
                route.methods.map(\.rawValue).joined(separator: ","), route.pattern.text, route.handler,
                route.middleware.joined(separator: ","), "\(route.location)")
        }
        try printOutput(
            TextTable(
                header: row("METHODS", "PATTERN", "HANDLER", "MIDDLEWARE", "MANIFEST"),
                rows: rows + documentation.map { row("GET", $0.path, $0.name, "", "") }))
    }
}

extension Manifest.Route {
    /// As the commands print it as JSON.
    var node: DocumentNode {
        .object([
            "methods": .array(methods.map { .string($0.rawValue) }), "pattern": .string(pattern.text),
            "handler": .string(handler), "middleware": .array(middleware.map { .string($0) }),
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
