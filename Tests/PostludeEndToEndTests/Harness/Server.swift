import Foundation
import Testing

/// The testbed, which serves for one test and ends as an operator would end it: by SIGTERM.
final class Server {
    enum Start {
        case spawned
        case listening(String)
        /// The address in the manifest.
        case manifest
    }

    /// How a server that the test has not ended must end.
    enum Ending {
        case clean
        /// Like `clean`, but the test's requests have ended processes.
        case cleanAfterTraps
        case any
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let endpoint: Endpoint
    let folder: TestFolder
    let process: ChildProcess
    let executable: String
    let environment: [String: String]

    /// - Parameters:
    ///   - start: through the real spawn-fcgi, or by `serve` alone.
    ///   - isSupervised: whether `process` is a supervisor; otherwise it serves.
    init(
        _ manifest: TestManifest = TestManifest(), in folder: TestFolder, at endpoint: Endpoint? = nil,
        start: Start = .spawned, executable: String = BuildProducts.testbed,
        environment: [String: String] = [:], isSupervised: Bool = false
    ) throws {
        self.folder = folder
        self.executable = executable
        self.environment = environment
        self.endpoint = endpoint ?? .unix(folder.file("app.socket"))
        try folder.write("routes.yaml", manifest.text)
        let mode = isSupervised ? [] : ["--no-supervisor"]
        let arguments: [String]
        let command: String
        switch start {
        case .spawned:
            command = "spawn-fcgi"
            arguments =
                ["-n", "-d", folder.path] + self.endpoint.spawnOptions + ["--", executable, "serve"] + mode
        case .listening(let address):
            command = executable
            arguments = ["serve", "--listen", address, "--manifest", folder.file("routes.yaml")] + mode
        case .manifest:
            command = executable
            arguments = ["serve", "--manifest", folder.file("routes.yaml")] + mode
        }
        process = try ChildProcess(
            command, arguments, environment: environment, output: folder.file("server.log"),
            errors: folder.file("server.log"), directory: folder.path)
    }

    static func run<R>(
        _ manifest: TestManifest = TestManifest(), in given: TestFolder? = nil, at endpoint: Endpoint? = nil,
        start: Start = .spawned, executable: String = BuildProducts.testbed,
        environment: [String: String] = [:], isSupervised: Bool = false,
        ending: Ending = .clean, awaitingAnswer: Bool = true, _ body: (Server) throws -> R
    ) throws -> R {
        let folder = try given ?? TestFolder()
        let server = try Server(
            manifest, in: folder, at: endpoint, start: start, executable: executable,
            environment: environment,
            isSupervised: isSupervised)
        do {
            if awaitingAnswer {
                try server.awaitAnswer()
            } else {
                try waitUntil("the server listens") { (try? server.peer()) != nil }
            }
            let result = try body(server)
            try server.end(ending)
            return result
        } catch {
            throw Failure(description: "\(error)\n--- server's log ---\n\(server.log.suffix(6_000))")
        }
    }

    /// Waits until the server answers. By then it has its signal handlers, too.
    private func awaitAnswer() throws {
        _ = try eventually("the server answers") { () -> FastCGIReply? in
            if let exit = process.exitIfEnded() {
                throw Failure(description: "the server ended with \(exit)")
            }
            guard let peer = try? FastCGIPeer(endpoint) else { return nil }
            return try peer.ask(RawRequest("GET", "/hello").with { $0.keep = false })
        }
    }

    private func end(_ ending: Ending) throws {
        if ending != .any, process.exitIfEnded() == nil {
            process.send(signal: SIGTERM)
            let exit = try process.waitForExit()
            #expect(exit == .status(0), "the server's log: \(log.suffix(4_000))")
        }
        let traps = ending == .cleanAfterTraps ? [] : ["Fatal error"]
        for failure in traps + [
            "stack smashing", "WARNING: ThreadSanitizer", "ERROR: AddressSanitizer",
        ] {
            #expect(!log.contains(failure), "the server's log: \(log.suffix(4_000))")
        }
    }

    var log: String { folder.text("server.log") }

    func logLine(within limit: Duration = .eventLimit, holding parts: String...) throws -> String {
        try eventually("a log line with \(parts) in:\n\(log.suffix(4_000))", within: limit) {
            log.split(separator: "\n").map(String.init).first { line in parts.allSatisfy(line.contains) }
        }
    }

    func peer(from source: String? = nil) throws -> FastCGIPeer { try FastCGIPeer(endpoint, from: source) }

    /// Sends one request on a connection of its own.
    func ask(_ request: RawRequest, within limit: Duration = .eventLimit) throws -> FastCGIReply {
        try peer().ask(request, within: limit)
    }

    /// Expects that the service still answers. Every test of a hostile peer ends with this.
    func expectAnswers(_ location: SourceLocation = #_sourceLocation) throws {
        let reply = try ask(RawRequest("GET", "/hello"))
        #expect(reply.text == "hello", sourceLocation: location)
        #expect(process.exitIfEnded() == nil, sourceLocation: location)
    }

    /// The number of the server's workers: its threads with that name.
    var workers: Int {
        let folder = "/proc/\(process.pid)/task"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return threads.count {
            // A thread that has ended in the meantime does not count.
            (try? String(contentsOfFile: "\(folder)/\($0)/comm", encoding: .utf8))?.hasPrefix("worker ")
                == true
        }
    }
}
