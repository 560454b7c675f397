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
        let repeated = handlers.repeatedNames
        guard repeated.isEmpty else {
            for name in repeated {
                printError("two handlers are called \"\(name)\"; names must differ")
            }
            throw ExitCode.failure
        }
        do throws(ManifestError) {
            return try Manifest.load(contentsOf: manifest, handlers: handlers.all.map(\.name))
        } catch {
            printError("\(error)")
            throw ExitCode.failure
        }
    }
}
