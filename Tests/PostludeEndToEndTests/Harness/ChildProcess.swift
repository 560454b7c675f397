import Foundation
import PostludeSpawning
import PostludeSupervision

/// A process that the harness started. The harness ends no other processes.
final class ChildProcess {
    enum Exit: Equatable {
        case status(Int32)
        case signal(Int32)
    }

    private let child: PostludeSupervision.ChildProcess

    /// - Parameters:
    ///   - output: the files for standard output and standard error.
    ///   - environment: added to the test's own.
    init(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:],
        output: String, errors: String, directory: String? = nil
    ) throws {
        child = try Program(executable, arguments, environment: environment, directory: directory)
            .start(output: output, errors: errors)
    }

    deinit { child.kill() }

    var pid: pid_t { child.pid }

    func send(signal number: Int32) { child.send(signal: number) }

    /// How the process ended; nil while it runs.
    func exitIfEnded() -> Exit? {
        switch child.exitIfEnded() {
        case nil: nil
        case .status(let status): .status(status)
        case .signal(let number): .signal(number)
        }
    }

    func waitForExit(within limit: Duration = .eventLimit) throws -> Exit {
        try eventually("process \(pid) ends", within: limit) { exitIfEnded() }
    }
}
