import Foundation
import PostludeSpawning

/// Debian's Redis on the loopback interface, with its own folder, on a port and a Unix socket.
package final class RedisServer {
    package let port: UInt16
    package let folder: Folder
    package let socketPath: String
    private var server: Daemon?
    private let arguments: [String]

    package init(_ arguments: String...) throws {
        folder = try Folder()
        port = try FreePort.take()
        socketPath = folder.file("redis.sock")
        self.arguments = arguments
        try start()
    }

    package func start() throws {
        let daemon = try Daemon(
            "/usr/bin/redis-server",
            [
                "--port", "\(port)", "--bind", "127.0.0.1", "--unixsocket", socketPath, "--dir", folder.path,
                "--save", "",
                "--appendonly", "no", "--daemonize", "no",
            ] + arguments, in: folder, log: "redis.log")
        server = daemon
        try daemon.waitUntilListening(on: port)
    }

    package func stop(by number: Int32 = SIGTERM) {
        server?.end(by: number)
        server = nil
    }

    deinit { stop(by: SIGKILL) }

    package var url: String { "redis://127.0.0.1:\(port)/0" }

    /// Returns the output of redis-cli.
    @discardableResult
    package func command(_ words: String...) throws -> String {
        let name = "redis-cli-\(UUID().uuidString)"
        let daemon = try Daemon("/usr/bin/redis-cli", ["-p", "\(port)"] + words, in: folder, log: name)
        try daemon.succeed()
        return daemon.says.trimmingCharacters(in: .newlines)
    }
}
