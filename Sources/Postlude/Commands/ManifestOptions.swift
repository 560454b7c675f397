internal import ArgumentParser
package import PostludeManifest

/// The option for the manifest's path, for every command that reads the manifest.
package struct ManifestOptions: ParsableArguments {
    @Option(
        name: .long, help: "The manifest, which says which handler answers which requests.",
        completion: .file(extensions: ["yaml", "yml"]))
    package var manifest = "routes.yaml"

    package init() {}

    /// Reads the manifest and checks it against an application's handlers.
    ///
    /// - Throws: `ExitCode` 1, after the mistakes have been printed to standard error.
    func load(for handlers: Handlers) throws -> Manifest {
        do {
            return try handlers.manifest(at: manifest)
        } catch {
            printError("\(error)")
            throw ExitCode.failure
        }
    }

    /// Reads the manifest and checks it against an application.
    ///
    /// - Throws: `ExitCode` 1, after the mistakes have been printed to standard error.
    package func load<App: Application>(for application: App.Type) throws -> Manifest {
        try load(for: App().registeredHandlers)
    }
}

extension Application {
    /// Reads a manifest and checks it against the application.
    ///
    /// - Throws: all mistakes in the file.
    package func manifest(at path: String) throws -> Manifest { try registeredHandlers.manifest(at: path) }
}
