internal import Glibc
package import PostludeSupervision
internal import PostludeSystem

/// A program that a test starts.
///
/// Tests run beside each other in one process, and any of them may start a child at any moment. So each child
/// gets only the descriptors that are named for it: a pipe that another test's child holds open would never
/// end.
package struct Program {
    private let words: [String]

    /// - Parameters:
    ///   - executable: a path, or a name that is searched for in PATH.
    ///   - environment: added to the test's own.
    ///   - directory: its working directory; nil for the test's own.
    package init(
        _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:],
        directory: String? = nil
    ) {
        words =
            ["env"] + (directory.map { ["-C", $0] } ?? []) + environment.map { "\($0)=\($1)" } + [executable]
            + arguments
    }

    /// Starts it. It blocks no signal and ignores none.
    ///
    /// - Parameter input: nil for an empty one.
    package func start(input: Int32? = nil, output: Int32, errors: Int32) throws -> ChildProcess {
        var inherited: [Int32: Int32] = [1: output, 2: errors]
        if let input { inherited[0] = input }
        return try ChildProcess.start("/usr/bin/env", words, inherited: inherited)
    }

    /// Starts it, and appends its output to files.
    package func start(output: String, errors: String) throws -> ChildProcess {
        let outputFile = try Self.append(output)
        defer { close(outputFile) }
        let errorsFile = try Self.append(errors)
        defer { close(errorsFile) }
        return try start(output: outputFile, errors: errorsFile)
    }

    private static func append(_ path: String) throws(SystemError) -> Int32 {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw SystemError("open(\(path))") }
        return descriptor
    }

    /// Runs it to its end with the test's own output.
    package func run() throws -> ChildProcess.Exit { try start(output: 1, errors: 2).waitForExit() }
}

extension ChildProcess {
    /// Waits for its end.
    package func waitForExit() -> Exit {
        while true {
            if let exit = exitIfEnded() { return exit }
            waitForInput([descriptor], milliseconds: -1)
        }
    }

    /// Kills it at once, unless it has ended, and waits for its end.
    package func kill() {
        send(signal: SIGKILL)
        _ = waitForExit()
    }
}
