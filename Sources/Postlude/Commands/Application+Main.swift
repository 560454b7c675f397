internal import ArgumentParser

extension Application {
    /// The program's entry: parses the command line and runs the command.
    public static func main() async {
        let arguments = CommandLine.arguments.dropFirst()
        if let unknown = UnknownCommand(in: arguments, of: RootCommand<Self>.self, program: programName) {
            printError("\(unknown)")
            RootCommand<Self>.exit(withError: ExitCode.validationFailure)
        }
        await RootCommand<Self>.main()
    }
}
