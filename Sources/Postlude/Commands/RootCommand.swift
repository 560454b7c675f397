internal import ArgumentParser

/// The application's executable: its own tool.
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
                SchemaCommand.self, StatusCommand<App>.self,
            ] + (App().taskEngine?.parts.commands(for: App.self) ?? []),
            defaultSubcommand: ServeCommand<App>.self)
    }

    /// The file's name, as the user typed it.
    static var programName: String { Postlude.programName }
}
