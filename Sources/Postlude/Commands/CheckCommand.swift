internal import ArgumentParser
internal import Manifest

struct CheckCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "check",
            abstract: "Check the manifest and its handlers, as nginx -t checks nginx.conf.")
    }

    @OptionGroup var options: ManifestOptions

    @Flag(name: .long, help: "Also show the version of the library that keeps durable tasks.")
    var verbose = false

    func run() throws {
        let application = App()
        let handlers = application.registeredHandlers
        let manifest = try options.load(for: handlers)
        print("\(options.manifest): the manifest is right: \(manifest.routes.count) routes")
        for (path, name) in DocumentationRoutes.paths(in: manifest) {
            print("\(options.manifest): besides, GET \(path) \(name)")
        }
        for warning in Surroundings.warnings(about: manifest) {
            print("\(options.manifest): warning: \(warning)")
        }
        if verbose, let engine = application.taskEngine {
            print("durable tasks are kept by \(engine.parts.library)")
        }
        let used = Set(manifest.routes.map(\.handler))
        for handler in handlers.all where !used.contains(handler.name) {
            print("\(options.manifest): note: no route uses the handler \"\(handler.name)\"")
        }
    }
}
