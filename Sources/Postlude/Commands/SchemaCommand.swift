internal import ArgumentParser
internal import PostludeManifest

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Print the JSON Schema of the manifest, for editors.",
        discussion: """
            Save it beside the manifest, and let the manifest begin with
            # yaml-language-server: $schema=routes.schema.json
            """)

    func run() throws { try printOutput(Manifest.schema) }
}
