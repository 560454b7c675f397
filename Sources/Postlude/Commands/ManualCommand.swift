internal import ArgumentParser
internal import FoundationEssentials

struct ManualCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "manual", abstract: "Print the program's manual page, for man.",
            discussion: """
                It is made of the help of all commands. A package installs it as \
                /usr/share/man/man1/\(programName).1.
                """)
    }

    func run() throws {
        // ArgumentParser describes the commands as JSON, from which its own plugin makes manual pages, too.
        let description = Data(RootCommand<App>._dumpHelp().utf8)
        let tool = try JSONDecoder().decode(ManualPage.Tool.self, from: description)
        try printOutput(ManualPage(tool.command, version: RootCommand<App>.configuration.version))
    }
}

/// A manual page of section 1, in the macros of man(7).
struct ManualPage: CustomStringConvertible {
    /// ArgumentParser's description of a program.
    struct Tool: Decodable {
        let command: Command
    }

    struct Command: Decodable {
        let commandName: String
        let abstract: String?
        let discussion: String?
        let shouldDisplay: Bool?
        let subcommands: [Command]?
        let arguments: [Argument]?
    }

    struct Argument: Decodable {
        struct Name: Decodable {
            let kind: String
            let name: String
        }

        let kind: String
        let shouldDisplay: Bool
        let isOptional: Bool
        let isRepeating: Bool
        let names: [Name]?
        let valueName: String?
        let defaultValue: String?
        let abstract: String?
    }

    let description: String

    init(_ command: Command, version: String) {
        let name = command.commandName
        var lines = [
            ".TH \(Self.quoted(name.uppercased())) 1 \"\" \(Self.quoted(version))",
            ".SH NAME", "\(Self.text(name)) \\- \(Self.text(command.abstract ?? ""))",
            ".SH SYNOPSIS", ".B \(Self.text(name))", "[\\fIcommand\\fR] [\\fIoptions\\fR]",
            ".SH DESCRIPTION", Self.text(command.discussion ?? ""),
            ".SH OPTIONS",
        ]
        lines += Self.arguments(of: command)
        lines.append(".SH COMMANDS")
        for subcommand in Self.shown(command.subcommands) { lines += Self.lines(of: subcommand, in: name) }
        lines += [
            ".SH EXIT STATUS", "0 after success, 1 after a failure, 64 if the command line is wrong.",
            ".SH ENVIRONMENT", ".TP", ".B NO_COLOR",
            "If it is set and not empty, no output has colours.",
        ]
        description = lines.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private static func lines(of command: Command, in path: String) -> [String] {
        let path = "\(path) \(command.commandName)"
        var lines = [
            ".SS \(quoted(path))", text(command.abstract ?? ""),
            command.discussion == nil ? "" : ".PP", text(command.discussion ?? ""),
        ]
        lines += arguments(of: command)
        for subcommand in shown(command.subcommands) { lines += self.lines(of: subcommand, in: path) }
        return lines
    }

    /// The commands without `help`, which ArgumentParser adds.
    private static func shown(_ commands: [Command]?) -> [Command] {
        (commands ?? []).filter { $0.shouldDisplay ?? true && $0.commandName != "help" }
    }

    private static func arguments(of command: Command) -> [String] {
        (command.arguments ?? []).filter(\.shouldDisplay).flatMap { argument in
            let value = "\\fI\(text(argument.valueName ?? "value"))\\fR" + (argument.isRepeating ? "..." : "")
            let names = (argument.names ?? []).map { name in
                "\\fB\(text((name.kind == "long" ? "--" : "-") + name.name))\\fR"
            }
            let label =
                switch argument.kind {
                case "positional": value
                case "flag": names.joined(separator: ", ")
                default: names.joined(separator: ", ") + " " + value
                }
            let standard = argument.defaultValue.map { " (default: \(text($0)))" } ?? ""
            return [".TP", label, text(argument.abstract ?? "") + standard]
        }
    }

    private static func quoted(_ text: String) -> String {
        "\"\(self.text(text).replacing("\"", with: "\\(dq"))\""
    }

    /// Escapes a text, so that no line of it is a macro.
    private static func text(_ text: String) -> String {
        text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
            .split(separator: "\n", omittingEmptySubsequences: true)
            .map { $0.hasPrefix(".") || $0.hasPrefix("'") ? "\\&\($0)" : String($0) }
            .joined(separator: "\n")
    }
}
