internal import Foundation
internal import PostludeSpawning
internal import PostludeSupervision
internal import PostludeSystem

/// A private PostgreSQL server of the tests, on a socket in a folder of its own. It ends when the test process does, for
/// whatever reason.
package final class PostgreSQLServer: Sendable {
    /// The folder with the socket and the data.
    package let folder: String
    /// The number of its port; that of its socket alone if it listens on no address.
    package let port: Int
    private let settings: [String]
    private let running = Lock<Running?>(nil)

    // Unchecked: the lock around it protects it.
    private struct Running: @unchecked Sendable {
        /// A shell, which ends the server when its input ends.
        let shell: ChildProcess
        let input: FileHandle
    }

    private static let only = Lock<PostgreSQLServer?>(nil)
    private static let starting = NSLock()

    /// Returns the server that all tests of this process share.
    package static func shared() throws -> PostgreSQLServer {
        starting.lock()
        defer { starting.unlock() }
        if let server = only.withLock({ $0 }) { return server }
        let server = try PostgreSQLServer()
        only.withLock { $0 = server }
        atexit { PostgreSQLServer.only.withLock { $0 }?.remove() }
        return server
    }

    /// - Parameters:
    ///   - address: an address of this machine on which it listens as well, and the network whose machines may connect; nil for
    ///     the socket alone.
    ///   - port: the number of its port.
    ///   - settings: what it is told at each start, such as `fsync=on`.
    ///   - prepare: makes files in the server's folder, and returns further settings. What it makes as `data` is the database;
    ///     without that, a new one is made.
    package init(
        listeningOn address: (host: String, network: String)? = nil, port: Int = 5432,
        settings: [String] = [],
        prepare: (_ folder: String) throws -> [String] = { _ in [] }
    ) throws {
        var template = Array("/tmp/postlude-postgresql-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp") }
        folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        self.port = port
        self.settings =
            [
                "listen_addresses=\(address?.host ?? "")", "port=\(port)", "max_connections=500", "fsync=off",
                "shared_buffers=64MB", "log_min_messages=warning",
            ] + settings + (try prepare(folder))
        // PostgreSQL does not run as root.
        if geteuid() == 0 {
            try Self.succeed(["chown", "-R", "postgres:postgres", folder])
        }
        if !FileManager.default.fileExists(atPath: folder + "/data") {
            try Self.succeed(
                Self.asUser(
                    [
                        "\(Self.programs)/initdb", "--pgdata", folder + "/data", "--auth", "trust",
                        "--username", "postgres", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync",
                    ]))
        }
        if let address {
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: folder + "/data/pg_hba.conf"))
            try file.seekToEnd()
            try file.write(contentsOf: Data("host all all \(address.network) trust\n".utf8))
            try file.close()
        }
        try start()
    }

    deinit { remove() }

    private func remove() {
        try? stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Starts the server, and waits until it answers.
    ///
    /// - Parameter environment: added to its own.
    package func start(environment: [String: String] = [:]) throws {
        let input = Pipe()
        let log = open(folder + "/log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard log >= 0 else { throw SystemError("open(\(folder)/log)") }
        defer { close(log) }
        let script = "\"$@\" & server=$!; read line; kill -QUIT $server; wait $server"
        let options = ["-D", folder + "/data", "-k", folder] + settings.flatMap { ["-c", $0] }
        let words = Self.asUser(["/bin/sh", "-c", script, "sh", "\(Self.programs)/postgres"] + options)
        let shell = try Program(words[0], Array(words.dropFirst()), environment: environment).start(
            input: input.fileHandleForReading.fileDescriptor, output: log, errors: log)
        try input.fileHandleForReading.close()
        running.withLock { $0 = Running(shell: shell, input: input.fileHandleForWriting) }
        for _ in 1...2_000 {
            if (try? query("SELECT 1")) != nil { return }
            guard shell.exitIfEnded() == nil else { break }
            usleep(20_000)
        }
        let text = FileManager.default.contents(atPath: folder + "/log") ?? Data()
        throw ServerFailure(description: String(decoding: text, as: UTF8.self))
    }

    /// Stops the server at once, as `pg_ctl stop -m immediate` does: like after a power loss, it recovers at its next start.
    package func stop() throws {
        let running = self.running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let running else { return }
        try running.input.close()
        _ = running.shell.waitForExit()
    }

    /// Runs a statement with psql, and returns the lines of its result.
    package func query(_ sql: String, in database: String = "postgres") throws -> [String] {
        let output = Pipe()
        let errors = Pipe()
        let process = try Program(
            "\(Self.newest)/psql",
            [
                "--no-psqlrc", "--host", folder, "--port", "\(port)", "--username", "postgres", "--dbname",
                database,
                "--tuples-only",
                "--no-align", "--quiet", "--set", "ON_ERROR_STOP=1", "--command", sql,
            ]
        ).start(
            output: output.fileHandleForWriting.fileDescriptor,
            errors: errors.fileHandleForWriting.fileDescriptor)
        try output.fileHandleForWriting.close()
        try errors.fileHandleForWriting.close()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        let problem = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        guard process.waitForExit() == .status(0) else {
            throw ServerFailure(description: "\(sql): \(problem)")
        }
        return text.split(separator: "\n").map(String.init)
    }

    /// The folder of the server's programs: the variable `POSTLUDE_POSTGRESQL`, or that of the newest version that Debian has
    /// installed.
    private static let programs = ProcessInfo.processInfo.environment["POSTLUDE_POSTGRESQL"] ?? newest

    /// The newest version that Debian has installed, whose psql prints the results of all statements.
    private static let newest: String = {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        let newest = versions.compactMap { Int($0) }.max().map(String.init) ?? "none"
        return "\(root)/\(newest)/bin"
    }()

    /// Whether it was built with TLS.
    package var hasTLS: Bool { (try? query("SHOW ssl_library"))?.isEmpty == false }

    private static func asUser(_ words: [String]) -> [String] {
        geteuid() == 0
            ? ["/usr/bin/setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] + words
            : words
    }

    private static func succeed(_ words: [String]) throws {
        let output = Pipe()
        let process = try Program(words[0], Array(words.dropFirst())).start(
            output: output.fileHandleForWriting.fileDescriptor,
            errors: output.fileHandleForWriting.fileDescriptor)
        try output.fileHandleForWriting.close()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        guard process.waitForExit() == .status(0) else {
            throw ServerFailure(description: "\(words): \(text)")
        }
    }
}

/// A program of PostgreSQL has failed; its output.
struct ServerFailure: Error, CustomStringConvertible {
    let description: String
}
