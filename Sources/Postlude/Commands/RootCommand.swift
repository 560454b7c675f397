internal import ArgumentParser
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeRouting

extension Application {
    /// Parses the command line and runs the command: the program's entry point.
    public static func main() async {
        let arguments = CommandLine.arguments.dropFirst()
        if let unknown = UnknownCommand(in: arguments, of: RootCommand<Self>.self, program: programName) {
            printError("\(unknown)")
            RootCommand<Self>.exit(withError: ExitCode.validationFailure)
        }
        do {
            var command = try await RootCommand<Self>.asyncParseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            // ArgumentParser does not check whether help, a version or a completion script could be written.
            guard RootCommand<Self>.exitCode(for: error).isSuccess else {
                RootCommand<Self>.exit(withError: error)
            }
            let text = RootCommand<Self>.fullMessage(for: error)
            do {
                if !text.isEmpty { try printOutput(text) }
            } catch {
                RootCommand<Self>.exit(withError: error)
            }
            RootCommand<Self>.exit()
        }
    }
}

/// The command line of the application's executable.
struct RootCommand<App: Application>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: programName,
            abstract: "Serves this application over FastCGI.",
            discussion: "Without a subcommand it serves, as spawn-fcgi and systemd start it.",
            version: [programName, App.version, "(Postlude \(postludeVersion))"].filter { !$0.isEmpty }
                .joined(separator: " "),
            subcommands: [
                ServeCommand<App>.self, CheckCommand<App>.self, RoutesCommand<App>.self,
                MatchCommand<App>.self, OpenAPICommand<App>.self, NginxCommand<App>.self,
                SchemaCommand.self, StatusCommand<App>.self, UpgradeCommand<App>.self,
                ManualCommand<App>.self,
            ] + (App().taskEngine?.parts.commands(for: App.self) ?? []),
            defaultSubcommand: ServeCommand<App>.self)
    }

    /// The file's name, as the user typed it.
    static var programName: String { Postlude.programName }
}

/// An unknown subcommand, which ArgumentParser would pass to the default subcommand as an argument.
private struct UnknownCommand: CustomStringConvertible {
    let description: String

    /// - Parameter arguments: the arguments, without the program's name.
    /// - Returns: nil if the words up to the first option or argument are subcommands.
    init?(in arguments: some Sequence<String>, of root: any ParsableCommand.Type, program: String) {
        var (command, words) = (root, [program])
        for argument in arguments {
            let known = command.configuration.subcommands
            guard !known.isEmpty, !argument.hasPrefix("-"), argument != "help" else { return nil }
            if let next = known.first(where: { $0.configuration.commandName == argument }) {
                command = next
                words.append(argument)
                continue
            }
            let names = known.compactMap { $0.configuration.commandName }
            let advice = nearest(to: argument, in: names).map { "; the nearest is `\($0)`" } ?? ""
            let called = LogText.escaped(argument)
            let usage = command == root ? root.helpMessage() : root.helpMessage(for: command)
            description = """
                \(words.joined(separator: " ")): there is no command `\(called)`\(advice)

                \(usage)
                """
            return
        }
        return nil
    }
}

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of the manifest, for editors, or of the status.",
        discussion: """
            Save it beside the manifest, and let the manifest begin with
            # yaml-language-server: $schema=routes.schema.json
            """)

    @Flag(name: .long, help: "Print the schema of the status pages' JSON instead.")
    var status = false

    func run() throws { try printOutput(status ? StatusReport.schema : Manifest.schema) }
}
