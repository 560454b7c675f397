package import Foundation

/// A program that a test has started, and the only kind that it ends. What it says goes to a file.
package final class Daemon {
    package let process = Process()
    private let log: String
    private let folder: Folder

    package init(
        _ path: String, _ arguments: [String], environment: [String: String] = [:], in folder: Folder,
        log: String
    ) throws {
        self.folder = folder
        self.log = log
        // A test's thread may block signals; its children must not inherit that.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["--default-signal", "--block-signal=", path] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        _ = FileManager.default.createFile(atPath: folder.file(log), contents: nil)
        let output = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.file(log)))
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        try process.run()
    }

    deinit { end(by: SIGKILL) }

    package var pid: Int32 { process.processIdentifier }

    package var says: String { folder.text(log) }

    package func send(signal number: Int32) {
        if process.isRunning { kill(pid, number) }
    }

    /// Ends it, and waits for that.
    package func end(by number: Int32 = SIGTERM) {
        send(signal: number)
        let end = ContinuousClock.now + .seconds(20)
        while process.isRunning {
            if ContinuousClock.now > end { kill(pid, SIGKILL) }
            usleep(5_000)
        }
    }

    package func waitUntilListening(on port: UInt16) throws {
        try waitUntil("\(port) is listened on; the log: \(says.suffix(2_000))", within: .seconds(120)) {
            guard process.isRunning else { throw Unexpected("it has ended: \(says.suffix(2_000))") }
            guard let socket = try? Socket(connectingTo: port) else { return false }
            socket.close()
            return true
        }
    }
}
