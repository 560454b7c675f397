internal import ArgumentParser
internal import HTTPTypes
internal import Manifest
internal import Routing

struct RoutesCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "routes", abstract: "Show the routes as a table, in the order of the manifest.")
    }

    @OptionGroup var options: ManifestOptions

    func run() throws {
        let manifest = try options.load(for: App().registeredHandlers)
        let rows = manifest.routes.map { route in
            [
                route.methods.map(\.rawValue).joined(separator: ","), route.pattern.text, route.handler,
                "\(route.location)",
            ]
        }
        let documentation = DocumentationRoutes.paths(in: manifest).map { ["GET", $0.path, $0.name, ""] }
        print(TextTable(header: ["METHODS", "PATTERN", "HANDLER", "MANIFEST"], rows: rows + documentation))
    }
}
