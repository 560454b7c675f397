internal import Glibc
internal import HTTPTypes
internal import Logging
internal import PostludeFastCGI
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeScoreboard
internal import PostludeSystem
internal import PostludeThreads

/// A second, small server with its own socket that shows the scoreboard, even if every worker of the application is busy
/// or stuck.
final class StatusServer: Sendable {
    private let listener: Listener
    private let source: StatusSource
    private let server: Server
    private let wakeup: ControlWakeup
    private let stopSampling: EventDescriptor
    private let hasStopped: EventDescriptor
    private let logger: Logger

    /// - Parameters:
    ///   - status: the address and settings of the status socket.
    ///   - application: the application's listening socket, whose queue is shown.
    ///   - manager: `supervisor`, or `none` for a single process.
    ///   - accessLog: the application's access log; nil if it has none.
    ///   - inspector: the inspector of the application's durable tasks; nil if it has none.
    init(
        _ scoreboard: Scoreboard, at status: Manifest.Status, watching application: Int32?, manager: String,
        accessLog: Manifest.Log.Access?, inspector: (any TaskInspector)?, logger: Logger
    ) throws {
        listener = try .opened(status)
        let tasks = inspector.map {
            TaskInspectionPages($0, allowsActions: status.taskActions, logger: logger)
        }
        source = StatusSource(
            scoreboard, application: application, manager: manager, storedTasks: tasks,
            accessLog: AccessLogSearch(accessLog), roles: status.roles, thresholds: status.problems)
        wakeup = try ControlWakeup()
        stopSampling = try EventDescriptor()
        hasStopped = try EventDescriptor()
        self.logger = logger
        // Logs its failures, and not its requests.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let handlers = StatusPages(source).handlers
        server = Server(
            manifest: try Manifest.parse(
                Self.manifest(for: handlers), file: "status", handlers: handlers.map(\.handler.name),
                environment: [:]),
            handlers: Dictionary(handlers.map { ($0.handler.name, $0.handler) }) { first, _ in first },
            hooks: ApplicationHooks(), logger: quiet, logs: LogWriter())
    }

    private static func manifest(for handlers: [(method: String, handler: Handler)]) -> String {
        let routes = handlers.map { method, handler in
            "  - { path: \"/{page:path}\", method: \(method), handler: \(handler.name) }\n"
        }
        return """
            workers: { min: 1, max: 2, reserved-for-requests: 0 }
            limits: { body: 1KiB, head-time: 5s, read-time: 5s, write-time: 5s }
            shutdown-grace: 1s
            routes:
            \(routes.joined())
            """
    }

    /// Starts the threads.
    func start() throws {
        try WorkerThread(name: "status") { [source, stopSampling] in
            source.sample()
            while true {
                waitForInput([stopSampling.descriptor], milliseconds: 1000)
                if stopSampling.take() { return }
                source.sample()
            }
        }.detach()
        Task.detached { [self] in
            do {
                _ = try await server.run(on: listener, control: ProcessControl(), wakeup: wakeup)
            } catch {
                logger.error(
                    "the status page cannot be served", metadata: ["error": "\(LoggedError.text(error))"])
            }
            hasStopped.signal()
        }
        logger.info("showing status", metadata: ["socket": "\(listener.address)"])
    }

    /// Ends the threads and closes the socket. Waits for this for at most 2 seconds.
    func stop() {
        stopSampling.signal()
        wakeup.requestStop()
        waitForInput([hasStopped.descriptor], milliseconds: 2000)
    }
}

extension Listener {
    /// Opens the status socket.
    fileprivate static func opened(_ status: Manifest.Status) throws -> Listener {
        try .open(
            SocketAddress(parsing: status.listen),
            ListenOptions(owner: status.owner, group: status.group, mode: status.mode))
    }
}

/// The source of the status pages' data.
final class StatusSource: Sendable {
    private let scoreboard: Scoreboard
    private let application: Int32?
    private let manager: String
    /// The durable tasks; nil if the application has none.
    let storedTasks: TaskInspectionPages?
    private let accessLog: AccessLogSearch
    private let roles: Manifest.Status.Roles
    private let thresholds: Manifest.Status.Problems
    private let state: Lock<State>

    private struct State {
        var history = StatusHistory()
        var recorder: HistoryRecorder?
    }

    init(
        _ scoreboard: Scoreboard, application: Int32?, manager: String,
        storedTasks: TaskInspectionPages? = nil, accessLog: AccessLogSearch = AccessLogSearch(nil),
        roles: Manifest.Status.Roles = Manifest.Status.Roles(),
        thresholds: Manifest.Status.Problems = Manifest.Status.Problems()
    ) {
        self.scoreboard = scoreboard
        self.application = application
        self.manager = manager
        self.storedTasks = storedTasks
        self.accessLog = accessLog
        self.roles = roles
        self.thresholds = thresholds
        state = Lock(State())
    }

    private var queue: ListenQueue? { application.flatMap { ListenQueue(of: $0) } }

    /// Adds a sample to the history; called each second, by one thread.
    func sample() {
        let (board, queue, time) = (scoreboard.snapshot(), queue, Int(Glibc.time(nil)))
        state.withLock { state in
            state.history.add(board, queue) { ProcessUsage(of: $0.pid) }
            state.recorder?.record(board, at: time, in: scoreboard)
            if state.recorder == nil { state.recorder = HistoryRecorder(scoreboard, board, at: time) }
        }
    }

    /// - Parameter range: the rows of the history; nil for a report without it.
    func report(history range: StatusReport.HistoryRange? = nil) -> StatusReport {
        let (history, seconds, minutes) = state.withLock { state in
            range == nil ? (state.history, [], []) : (state.history, scoreboard.seconds, scoreboard.minutes)
        }
        var report = report(of: scoreboard.snapshot(), history)
        report.history = range.map { StatusReport.History(seconds: seconds, minutes: minutes, $0) }
        return report
    }

    /// Returns what a client is, and may do.
    func reader(_ request: Request) -> StatusReader {
        StatusReader(request, roles, allowsActions: storedTasks?.allowsActions ?? false)
    }

    /// - Parameter seesValues: whether the reader may see the values and results of tasks.
    func search(_ id: String, seesValues: Bool) -> StatusSearch {
        StatusSearch(id, accessLog, storedTasks, seesValues: seesValues)
    }

    var metrics: String {
        let board = scoreboard.snapshot()
        let report = report(of: board, state.withLock { $0.history })
        return OpenMetrics(report, totals: board.totals).text
    }

    private func report(of board: ScoreboardSnapshot, _ history: StatusHistory) -> StatusReport {
        var usage: [StatusHistory.ProcessKey: ProcessUsage] = [:]
        for process in board.processes {
            usage[StatusHistory.ProcessKey(process)] = ProcessUsage(of: process.pid)
        }
        var report = StatusReport(board, manager: manager, queue: queue, history: history, usage: usage)
        report.storedTasks = storedTasks?.answer
        report.problems = StatusProblems(in: board, history, report.storedTasks, thresholds).all
        return report
    }
}
