internal import ArgumentParser
internal import PostludeLogOutput
internal import PostludeRouting

/// A word where a subcommand should be, which would be taken for an argument of the default one.
struct UnknownCommand: CustomStringConvertible {
    let description: String

    /// - Parameter arguments: without the program's name.
    /// - Returns: nil if the words so far are subcommands.
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
