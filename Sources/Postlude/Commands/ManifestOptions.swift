internal import ArgumentParser
internal import Manifest

/// Where the manifest is: an option of every command that reads it.
struct ManifestOptions: ParsableArguments {
    @Option(name: .long, help: "The manifest: which handler answers which requests.")
    var manifest = "routes.yaml"

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
}
