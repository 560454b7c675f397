import Foundation

/// A command that has run to its end.
struct Command {
    let exit: ChildProcess.Exit
    let output: String
    let errors: String

    init(
        _ executable: String, _ arguments: [String], in folder: TestFolder,
        environment: [String: String] = [:], within limit: Duration = .eventLimit
    ) throws {
        let name = "command-\(UUID().uuidString)"
        let process = try ChildProcess(
            executable, arguments, environment: environment, output: folder.file(name + ".out"),
            errors: folder.file(name + ".err"), directory: folder.path)
        exit = try process.waitForExit(within: limit)
        output = folder.text(name + ".out")
        errors = folder.text(name + ".err")
    }
}
