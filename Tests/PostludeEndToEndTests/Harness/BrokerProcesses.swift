import Foundation
import PostludeBrokerFixtures

/// The testbed with a broker: its server, and its process that works on a queue.
struct BrokerProcesses {
    enum Kind: CaseIterable {
        case rabbitMQ, redis
    }

    let folder: TestFolder
    let url: String
    /// Where Python keeps results, and `work` too.
    let results: String
    /// Where Python's worker and producers run.
    let python: Folder

    init(_ kind: Kind) throws {
        let redis = try Servers.redisServer()
        // A worker that ends gives back what it has not acknowledged, also what it has run: the next test must
        // not receive it.
        try redis.command("FLUSHALL")
        try self.init(url: kind == .redis ? redis.url : Servers.rabbit().url)
    }

    init(url: String) throws {
        folder = try TestFolder()
        python = try Folder()
        self.url = url
        results = "redis://127.0.0.1:\(try Servers.redisServer().port)/7"
    }

    static let routes = """
          - { path: /hello, method: GET, handler: hello }
          - { path: /send, method: POST, handler: send }
          - { path: /add, method: POST, handler: add }
        """

    var environment: [String: String] { ["BROKER": url, "RESULTS": results] }

    func manifest(_ settings: String) -> TestManifest {
        TestManifest(
            """
            \(settings)
            task-store: { path: \(folder.file("tasks.sqlite")) }
            celery: { broker: "${BROKER}", results: "${RESULTS}" }
            """, routes: Self.routes)
    }

    func serve<R>(
        _ settings: String = "workers: { min: 2, max: 8 }", ending: Server.Ending = .clean,
        _ body: (Server) throws -> R
    ) throws -> R {
        try Server.run(
            manifest(settings), in: folder, executable: BuildProducts.celeryTestbed, environment: environment,
            ending: ending, body)
    }

    /// Starts `work`, and waits until it consumes.
    func work(_ queue: String, _ options: String..., log: String = "work.log") throws -> WorkProcess {
        try folder.write("routes.yaml", manifest("workers: { min: 4, max: 8 }").text)
        let process = try ChildProcess(
            BuildProducts.celeryTestbed, ["work", "--queue", queue] + options, environment: environment,
            output: folder.file(log), errors: folder.file(log), directory: folder.path)
        let work = WorkProcess(process: process, folder: folder, logName: log)
        _ = try work.logLine(holding: "consuming", queue)
        return work
    }

    func worker(queues: String = "python", options: String = "{}") throws -> Daemon {
        try Python.worker(in: python, broker: url, backend: results, queues: queues, options: options)
    }

    /// Runs a script that finds Celery's application as `app`.
    ///
    /// - Returns: the lines that it has printed.
    func produce(_ script: String, by executable: String = Python.executable) throws -> [String] {
        try Python.producer(
            "import json\n" + script, in: python, broker: url, backend: results, by: executable
        )
        .split(separator: "\n").map(String.init)
    }

    /// What Python's tasks were given.
    func told(reaches count: Int) throws -> [[String: Any]] {
        try eventually(
            "\(count) tasks ran in Python, which says \(python.lines("told"))"
        ) {
            let lines = python.lines("told")
            guard lines.count >= count else { return nil }
            return try lines.map {
                try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
            }
        }
    }
}

/// `work`, started by a test.
struct WorkProcess {
    let process: ChildProcess
    let folder: TestFolder
    let logName: String

    var log: String { folder.text(logName) }

    @discardableResult
    func logLine(within limit: Duration = .eventLimit, holding parts: String...) throws -> String {
        try eventually("a log line with \(parts) in:\n\(log.suffix(4_000))", within: limit) {
            log.split(separator: "\n").map(String.init).first { line in parts.allSatisfy(line.contains) }
        }
    }

    /// Ends it as an operator would.
    func end() throws -> ChildProcess.Exit {
        process.send(signal: SIGTERM)
        return try process.waitForExit()
    }
}
