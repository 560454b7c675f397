internal import ArgumentParser
internal import HTTPTypes
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeRouting

struct MatchCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "match", abstract: "Show which route takes a request, and with which parameters.",
            discussion: "Exits with 1 when no route does.")
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
            throw ValidationError("\"\(method)\" is no HTTP method")
        }
        let documentation = manifest.openAPI.paths
        // After the routes: none of them takes these paths.
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
            try refuse(.notFound, "no route takes the path \(normalized)")
        case .methodNotAllowed(let allowed):
            try refuse(
                .methodNotAllowed,
                "\(normalized) takes \(allowed.map(\.rawValue).joined(separator: ", "))")
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
