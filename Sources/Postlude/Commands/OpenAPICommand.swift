internal import ArgumentParser
internal import FoundationEssentials
internal import PostludeManifest

struct OpenAPICommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "openapi", abstract: "Print the API's description as an OpenAPI 3.1 document.",
            discussion: """
                It is derived from the manifest and the handlers' inputs and outputs. Equal programs with equal \
                manifests print the same text. Notes about omitted parts go to standard error.
                """)
    }

    @OptionGroup var options: ManifestOptions

    @Option(name: .shortAndLong, help: "Write the document to this file instead.", completion: .file())
    var output: String?

    func run() throws {
        let application = App()
        let handlers = application.registeredHandlers
        let manifest = try options.load(for: handlers)
        let document = APIDocument(
            manifest, handlers: handlers.byName, errors: application.errorFormat,
            guards: ApplicationHooks(application).guards)
        for note in document.notes { printError("\(options.manifest): note: \(note)") }
        let text = document.node.text(isPretty: true)
        guard let output else { return try printOutput(text) }
        do {
            try Data((text + "\n").utf8).write(to: URL(filePath: output), options: .atomic)
        } catch {
            printError("cannot write \(output): \(error)")
            throw ExitCode.failure
        }
    }
}
