import Foundation
import PostludeSpawning
import PostludeSupervision
import PostludeSystem

/// A program that a test has started. Tests end no other programs. Its output goes to a file.
package final class Daemon {
    private let process: ChildProcess
    private let log: String
    private let folder: Folder

    package init(
        _ path: String, _ arguments: [String], environment: [String: String] = [:], in folder: Folder,
        log: String
    ) throws {
        self.folder = folder
        self.log = log
        let file = folder.file(log)
        process = try Program(path, arguments, environment: environment, directory: folder.path)
            .start(output: file, errors: file)
    }

    deinit { process.kill() }

    package var isRunning: Bool { process.exitIfEnded() == nil }

    package var says: String { folder.text(log) }

    package func send(signal number: Int32) { process.send(signal: number) }

    /// Ends the program and waits for its end.
    package func end(by number: Int32 = SIGTERM) {
        process.send(signal: number)
        waitForInput([process.descriptor], milliseconds: 20_000)
        process.kill()
    }

    /// Waits for the program's end.
    /// - Throws: an error with the program's output, unless its status is 0.
    package func succeed() throws {
        let exit = process.waitForExit()
        guard exit == .status(0) else { throw Unexpected("\(exit): \(says)") }
    }

    package func waitUntilListening(on port: UInt16) throws {
        try waitUntil("\(port) is listened on; the log: \(says.suffix(2_000))", within: .seconds(120)) {
            guard isRunning else { throw Unexpected("it has ended: \(says.suffix(2_000))") }
            guard let socket = try? Socket(connectingTo: port) else { return false }
            socket.close()
            return true
        }
    }
}
