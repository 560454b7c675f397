internal import Logging
internal import PostludeFastCGI
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeScoreboard
internal import PostludeSystem
internal import ServiceLifecycle

/// Runs an application with everything that serving it needs, both for the command line and in a group of services.
final class ApplicationRunner<App: Application>: Service {
    private let application: App
    private let server: Server
    private let listener: Listener
    private let control: ProcessControl
    private let wakeup: ControlWakeup
    /// The server of the status page; nil if there is none, or if the supervisor runs it.
    private let statusServer: StatusServer?
    private let status = Lock<Int32>(1)

    /// - Parameters:
    ///   - logs: the logs, with the access log.
    ///   - manager: the service manager to notify; nil if there is none.
    init(
        _ application: App, manifest: Manifest, listener: Listener, control: ProcessControl,
        logger: Logger, logs: LogWriter, manager: ServiceManager? = nil
    ) throws {
        self.application = application
        self.listener = listener
        self.control = control
        let process: ProcessSlot?
        if let slot = control.process {
            (process, statusServer) = (slot, nil)
        } else {
            let scoreboard = try Scoreboard(
                program: programName, processes: 1, workers: manifest.workers.maximum, isShared: false)
            process = scoreboard.process(at: 0)
            statusServer = try manifest.status.map { status in
                try StatusServer(
                    scoreboard, at: status, watching: listener.descriptor, manager: "none",
                    accessLog: manifest.log.access,
                    inspector: application.taskEngine?.parts.makeInspector(manifest), logger: logger)
            }
        }
        process?.begin(generation: control.generation)
        let engine = application.taskEngine?.parts
        engine?.prepare(manifest)
        server = Server(
            manifest: manifest, handlers: application.handlers.byName, hooks: ApplicationHooks(application),
            logger: logger, logs: logs, manager: manager, process: process,
            store: engine?.makeStore())
        wakeup = try ControlWakeup()
    }

    /// The exit status: 0 if no request and no task was left unfinished. Valid after `run` has returned.
    var exitStatus: Int32 { status.withLock { $0 } }

    /// Starts the application, serves until it is stopped, and stops the application.
    func run() async throws {
        let result = try await application.runBetweenStartAndStop(logger: server.logger) {
            try statusServer?.start()
            defer { statusServer?.stop() }
            return try await server.run(on: listener, control: control, wakeup: wakeup)
        } onShutdown: { [wakeup] in
            wakeup.requestStop()
        }
        status.withLock { $0 = result }
    }

    /// Runs the application together with the services that it needs.
    ///
    /// - Returns: the exit status.
    func runWithServices() async throws -> Int32 {
        try await application.runServices(before: self, logger: server.logger)
        return exitStatus
    }
}
