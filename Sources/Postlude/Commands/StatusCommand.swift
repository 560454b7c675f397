internal import ArgumentParser
internal import FoundationEssentials
internal import Glibc
internal import PostludeFastCGI
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeScoreboard

struct StatusCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "status", abstract: "Show what a running server is doing.",
            discussion: """
                It reads the status socket, which answers even while every worker is busy: the one in the \
                manifest's `status`, or --socket.
                """)
    }

    @OptionGroup var options: ManifestOptions

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The status socket, without reading the manifest: its path, host:port or [ipv6]:port.",
            valueName: "address"))
    var socket: String?

    @Flag(name: .long, help: "Print the report as JSON.")
    var json = false

    @Flag(name: .long, help: "With --json: also the history, an hour by seconds and a day by minutes.")
    var history = false

    @Flag(
        name: .long,
        help: "Show it again each second, until Ctrl-C; on a terminal as a full screen, which `q` ends, too.")
    var watch = false

    @Flag(name: .long, help: "Only check whether the server answers: prints pong, and exits with 0.")
    var ping = false

    func validate() throws {
        if [json, watch, ping].count(where: \.self) > 1 {
            throw ValidationError("Give one of --json, --watch and --ping.")
        }
        guard json || !history else { throw ValidationError("--history requires --json.") }
    }

    func run() throws {
        do {
            let client = FastCGIClient(try address())
            if ping { return try printOutput(text(try client.get("/ping"))) }
            if json {
                return try printOutput(text(try client.get("/status.json\(history ? "?history" : "")")))
            }
            guard watch else { return try printOutput(try table(from: client)) }
            if TerminalText.isTerminal { return try StatusScreen().run { page(from: client) } }
            while true {
                try printOutput(page(from: client))
                sleep(1)
            }
        } catch let exit as ExitCode {
            throw exit
        } catch {
            printError("\(programName): \(error)")
            throw ExitCode.failure
        }
    }

    private func address() throws -> SocketAddress {
        if let socket { return try SocketAddress(parsing: socket) }
        guard let status = try options.load(for: App().registeredHandlers).status else {
            printError(
                """
                \(programName): \(options.manifest) has no status socket; give it one, \
                such as `status: { listen: /run/app-status.sock }`, or give --socket
                """)
            throw ExitCode.failure
        }
        return try SocketAddress(parsing: status.listen)
    }

    private func table(from client: FastCGIClient) throws -> StatusTable {
        let start = Int(time(nil)) - HistoryTable.minutes * 60
        let body = try client.get("/status.json?history=minutes&after=\(start)")
        return StatusTable(try JSONDecoder().decode(StatusReport.self, from: Data(body)))
    }

    /// Returns the report, or an error, since the server may come back.
    private func page(from client: FastCGIClient) -> String {
        do {
            return "\(try table(from: client))"
        } catch {
            return LogText.escaped("\(error)")
        }
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}

/// The report as text for a terminal.
struct StatusTable: CustomStringConvertible {
    let description: String

    init(_ report: StatusReport) {
        let parts = [
            Self.problems(report), Self.summary(report), Self.spans(report),
            report.history.map { "\(HistoryTable($0))" } ?? "", Self.workers(report),
            Self.processes(report.processes), Self.routes(report.routes),
            Self.tasks(report.tasks),
            report.storedTasks.map(Self.storedTasks) ?? "",
        ]
        description = parts.filter { !$0.isEmpty }.joined(separator: "\n\n")
    }

    /// Returns one line for each problem, or that there are none.
    private static func problems(_ report: StatusReport) -> String {
        let lines = report.problems.map { problem in
            let since = problem.since.map { ", since \(time(at: $0))" } ?? ""
            let last = problem.last.map { ", the last one at \(time(at: $0))" } ?? ""
            return "\(problem.level.rawValue): \(problem.text)\(since)\(last)"
        }
        return lines.isEmpty ? "no problems" : lines.joined(separator: "\n")
    }

    static func time(at seconds: Int) -> String {
        Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
    }

    private static func summary(_ report: StatusReport) -> String {
        var lines = [
            "\(report.pool): \(report.activeWorkers) of \(report.totalWorkers) workers busy"
                + " (at most \(report.maxActiveWorkers), limit \(report.workersLimit)),"
                + " for \(time(Double(report.startSince)))",
            "requests: \(report.acceptedConn), slow \(report.slowRequests), refused \(report.refusedRequests),"
                + " timed out \(report.timedOutRequests)",
            "tasks: \(report.tasks.queued) queued, \(report.tasks.running) running, \(report.tasks.done) done,"
                + " \(report.tasks.failed) failed, \(report.tasks.dropped) dropped"
                + (report.tasks.oldestAge.map { "; the oldest is \(time($0)) old" } ?? ""),
        ]
        for process in report.processes {
            if let reasons = process.waitingTasks {
                lines.append("process \(process.pid): tasks wait: \(reasons)")
            }
        }
        if let waiting = report.listenQueue, let most = report.maxListenQueue,
            let limit = report.listenQueueLen
        {
            lines.append("listen queue: \(waiting) of \(limit) (at most \(most))")
        }
        return lines.joined(separator: "\n")
    }

    /// Returns a table of the busy workers, the one that has been busy for the longest time first.
    private static func workers(_ report: StatusReport) -> String {
        let busy = report.processes.flatMap { process in
            process.workers.filter { $0.state != WorkerState.idle.label }.map { (process, $0) }
        }
        let rows = busy.sorted { $0.1.stateSince > $1.1.stateSince }.map { process, worker in
            [
                "\(process.pid)", "\(process.generation)", "\(worker.worker)", worker.state,
                time(worker.stateSince), "\(worker.requests)", time(worker.requestDuration),
                worker.state == WorkerState.tasks.label ? worker.task : worker.handler,
                [worker.requestMethod, worker.requestURI].filter { !$0.isEmpty }.joined(separator: " "),
            ]
        }
        let header = [
            "PROCESS", "MANIFEST", "WORKER", "STATE", "SINCE", "REQUESTS", "DURATION", "HANDLER", "REQUEST",
        ]
        return rows.isEmpty ? "" : "\(TextTable(header: header, rows: rows))"
    }

    /// Returns a table of the durations and status codes of responses, recently and since the start.
    private static func spans(_ report: StatusReport) -> String {
        func row(_ name: String, _ duration: StatusReport.Latency, _ counts: [String: UInt64]) -> [String] {
            [name, "\(duration.count)"]
                + [duration.p50, duration.p90, duration.p99].map { $0.map(time) ?? "-" }
                + classes.map { "\(counts[$0] ?? 0)" }
        }
        let recent = [("last minute", report.lastMinute), ("last 5 minutes", report.lastFiveMinutes)]
        let rows =
            recent.compactMap { name, span in
                span.map { row(name, $0.requestDuration, $0.responses) }
            } + [row("since the start", report.requestDuration, report.responses)]
        let header = ["REQUESTS", "COUNT", "P50", "P90", "P99"] + classes.map { $0.uppercased() }
        return "\(TextTable(header: header, rows: rows))"
    }

    private static let classes = ["2xx", "3xx", "4xx", "5xx"]

    private static func processes(_ processes: [StatusReport.Process]) -> String {
        let rows = processes.map { process in
            [
                "\(process.pid)", process.state, "\(process.generation)", time(Double(process.startSince)),
                "\(process.requests)", "\(process.connections)",
                process.memory.map { "\($0 >> 20) MiB" } ?? "-", process.processorTime.map(time) ?? "-",
                process.processorShare.map(percent) ?? "-",
            ]
        }
        let header = [
            "PROCESS", "STATE", "MANIFEST", "AGE", "REQUESTS", "CONNECTIONS", "MEMORY", "CPU", "CPU 1 MIN",
        ]
        return rows.isEmpty ? "" : "\(TextTable(header: header, rows: rows))"
    }

    private static func routes(_ routes: [StatusReport.Route]) -> String {
        let rows = routes.map { route in
            [route.route] + classes.map { "\(route.responses[$0] ?? 0)" } + load(route.load)
                + [route.duration.p99.map(time) ?? "-"]
        }
        let header = ["ROUTE"] + classes.map { $0.uppercased() } + loadHeader + ["P99 ALL"]
        return rows.isEmpty ? "" : "\(TextTable(header: header, rows: rows))"
    }

    /// Returns the cells of what a route or a kind has done in the last five minutes.
    private static func load(_ load: StatusReport.Load?) -> [String] {
        guard let load else { return loadHeader.map { _ in "-" } }
        return [decimal(load.perSecond), percent(load.errors)]
            + [load.duration?.p50, load.duration?.p95, load.duration?.p99].map { $0.map(time) ?? "-" }
            + [percent(load.timeShare)]
    }

    private static let loadHeader = ["PER S", "ERRORS", "P50", "P95", "P99", "TIME"]

    private static func tasks(_ tasks: StatusReport.Tasks) -> String {
        let rows = tasks.names.map { kind in
            [kind.name, "\(kind.done)", "\(kind.failed)", "\(kind.retried)", "\(kind.dropped)"]
                + load(kind.load)
                + [kind.load?.wait?.p95, kind.duration.p99, kind.lastMinute?.p99].map { $0.map(time) ?? "-" }
        }
        let header =
            ["TASK", "DONE", "FAILED", "RETRIED", "DROPPED"] + loadHeader
            + ["WAIT P95", "P99 ALL", "P99 1 MIN"]
        return rows.isEmpty ? "" : "\(TextTable(header: header, rows: rows))"
    }

    /// Returns a number with one decimal, or none if it is large.
    static func decimal(_ value: Double) -> String {
        value < 100 ? "\((value * 10).rounded() / 10)" : "\(Int(min(value, 1e15)))"
    }

    static func percent(_ share: Double) -> String { decimal(share * 100) + " %" }

    private static func storedTasks(_ tasks: TaskInspectionPages.Answer) -> String {
        if let error = tasks.error { return "durable tasks: unknown: \(error)" }
        let rows = tasks.names.map { kind in
            let limited = kind.limited.map { " (\($0) limited)" } ?? ""
            return [
                kind.name, "\(kind.waiting)\(limited)", "\(kind.running)", "\(kind.outgoing)",
                "\(kind.failed)",
            ]
        }
        let header = ["DURABLE TASK", "WAITING", "RUNNING", "OUTGOING", "FAILED"]
        return rows.isEmpty ? "" : "\(TextTable(header: header, rows: rows))"
    }

    /// Returns a time in a suitable unit.
    static func time(_ seconds: Double) -> String {
        switch seconds {
        case ..<0.001: "\(Int(max(0, seconds) * 1_000_000)) us"
        case ..<1: "\(Int(seconds * 1000)) ms"
        case ..<120: "\(Double(Int(seconds * 10)) / 10) s"
        case ..<7200: "\(Int(seconds / 60)) min"
        case ..<172_800: "\(Int(seconds / 3600)) h"
        default: "\(Int(min(seconds, 1e15) / 86_400)) days"
        }
    }
}
