internal import ArgumentParser
internal import PostludeManifest

struct CheckCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "check",
            abstract: "Check the manifest and its handlers, as nginx -t checks nginx.conf.",
            discussion: """
                Folders of the task store, of logs, uploads and sockets that are missing, or that the user may not write \
                to, are warned of.
                """)
    }

    @OptionGroup var options: ManifestOptions

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Look at files and folders as this user, who is to serve; for root.", valueName: "name"))
    var user: String?

    @Flag(name: .long, help: "Also show the version of the library that keeps durable tasks.")
    var verbose = false

    @Flag(name: .long, help: "Print what was found as JSON.")
    var json = false

    func run() throws {
        let application = App()
        let handlers = application.registeredHandlers
        let manifest = try manifest(for: handlers)
        if let user { try becomeUser(user) }
        let library = verbose ? application.taskEngine?.parts.library : nil
        let used = Set(manifest.routes.map(\.handler))
        let warnings = EnvironmentChecks.warnings(about: manifest)
        let notes = handlers.all.filter { !used.contains($0.name) }.map {
            "no route uses the handler \"\($0.name)\""
        }
        if json {
            return try printJSON(
                routes: manifest.routes.count, warnings: warnings, notes: notes, library: library)
        }
        let documents = manifest.openAPI.paths.map {
            "also serves GET \($0.path) \($0.name)"
        }
        let routes = manifest.routes.count == 1 ? "1 route" : "\(manifest.routes.count) routes"
        let checked = "files and folders were checked as the user \(EnvironmentChecks.user)"
        let lines =
            ["the manifest is valid: \(routes)"] + documents
            + warnings.map { "warning: \($0)" } + notes.map { "note: \($0)" } + [checked]
            + (library.map { ["durable tasks are kept by \($0)"] } ?? [])
        try printOutput(lines.map { "\(options.manifest): \($0)" }.joined(separator: "\n"))
    }

    private func manifest(for handlers: Handlers) throws -> Manifest {
        guard json else { return try options.load(for: handlers) }
        do {
            return try handlers.manifest(at: options.manifest)
        } catch let error as ManifestError {
            try printMistakes([], error.diagnostics)
        } catch let error as HandlersError {
            try printMistakes(error.problems, error.mistakes)
        }
        throw ExitCode.failure
    }

    private func becomeUser(_ user: String) throws {
        do {
            try EnvironmentChecks.become(user)
        } catch {
            printError("\(programName): --user \(user): \(error)")
            throw ExitCode.failure
        }
    }

    private func printMistakes(_ problems: [String], _ mistakes: [Diagnostic]) throws {
        let all: [DocumentNode] =
            problems.map { DocumentNode.object(["message": .string($0)]) }
            + mistakes.map { .object(["location": $0.location.node, "message": .string($0.message)]) }
        try printOutput(
            DocumentNode.object(["valid": .value(.bool(false)), "mistakes": .array(all)]).text(isPretty: true)
        )
    }

    private func printJSON(routes: Int, warnings: [String], notes: [String], library: String?) throws {
        try printOutput(
            DocumentNode.object([
                "valid": .value(.bool(true)), "routes": .value(.integer(routes)),
                "warnings": .array(warnings.map(DocumentNode.string)),
                "notes": .array(notes.map(DocumentNode.string)), "user": .string(EnvironmentChecks.user),
                "durable-tasks-library": library.map(DocumentNode.string),
            ]).text(isPretty: true))
    }
}
