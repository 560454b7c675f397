internal import ArgumentParser
internal import HTTPTypes
internal import Manifest
internal import Routing

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

    func run() throws {
        let manifest = try options.load(for: App().registeredHandlers)
        guard let method = HTTPRequest.Method(method) else {
            throw ValidationError("\"\(method)\" is no HTTP method")
        }
        let documentation = DocumentationRoutes.paths(in: manifest)
        // Behind the routes: none of them takes these paths.
        let table = try RouteTable(
            manifest.routes.map { (methods: $0.methods, pattern: $0.pattern) }
                + documentation.map { (methods: [.get], pattern: try RoutePattern($0.path)) })
        let normalized: RoutePath
        do throws(RoutePath.Refusal) {
            normalized = try RoutePath(requestURI: path.utf8)
        } catch {
            print("400 Bad Request: \(error)")
            throw ExitCode.failure
        }
        switch table.route(method, normalized, using: try RouteMatcher()) {
        case .route(let index, _) where index >= manifest.routes.count:
            print(documentation[index - manifest.routes.count].name)
        case .route(let index, let parameters):
            let route = manifest.routes[index]
            print("\(route.handler)  (\(route.pattern.text), \(route.location))")
            for parameter in parameters { print("  \(parameter.name) = \(parameter.value)") }
        case .notFound:
            print("404 Not Found: no route takes the path \(normalized)")
            throw ExitCode.failure
        case .methodNotAllowed(let allowed):
            print(
                "405 Method Not Allowed: \(normalized) takes \(allowed.map(\.rawValue).joined(separator: ", "))"
            )
            throw ExitCode.failure
        case .refused:
            print("400 Bad Request: the path exhausts the match limit")
            throw ExitCode.failure
        }
    }
}
