internal import ArgumentParser
internal import Glibc
internal import Logging
internal import PostludeFastCGI
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeSupervision
internal import PostludeSystem

struct ServeCommand<App: Application>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "serve",
            abstract: "Serve requests on the socket of spawn-fcgi or systemd, or on --listen.",
            discussion: """
                A supervisor starts the manifest's processes, and replaces those that die.
                SIGTERM and SIGINT stop it: requests in flight are finished and queued tasks run, within the \
                manifest's shutdown-grace. A second signal stops it at once.
                SIGHUP reads the manifest again, SIGUSR1 reopens the logs, and SIGUSR2 replaces the program by \
                the file that is at its path now; no request fails.
                """)
    }

    @OptionGroup var options: ManifestOptions

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Listen here instead: /path/to.sock, host:port or [ipv6]:port.", valueName: "address"))
    var listen: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Show the status on this socket, whatever the manifest says: its path, host:port or [ipv6]:port.",
            valueName: "address"))
    var statusListen: String?

    @Flag(
        name: .customLong("no-supervisor"),
        help: "Serve in this process, for debuggers and other supervisors.")
    var isAlone = false

    /// The index in the scoreboard of a process that the supervisor starts.
    @Option(name: .customLong("process"), help: .hidden) var place: Int?

    @Flag(name: .customLong("preflight"), help: .hidden) var isPreflight = false

    /// With `--preflight`: whether the stored tasks are checked, too.
    @Flag(name: .customLong("stored-tasks"), help: .hidden) var checksTasks = false

    /// How long the check of the stored tasks may take. The supervisor waits longer than that.
    private static var taskCheckTime: Duration { .seconds(15) }

    func run() async throws {
        let state = try SupervisorState.inherited()
        try await RootCommand<App>.runProcess(takingSignals: [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2]) {
            signals, writer in
            // Takes the variables out of the environment, so that the supervisor's processes do not inherit them.
            let manager = try ServiceManager.takeFromEnvironment()
            if isPreflight {
                try checkManifestOfSupervisor(writer)
                return 0
            }
            if place != nil || isAlone { return try await serve(signals, writer, manager) }
            let application = App()
            return try await SupervisedServer(
                handlers: application.registeredHandlers, taskEngine: application.taskEngine,
                path: options.manifest, listen: listen,
                statusListen: statusListen,
                signals: signals,
                writer: writer, manager: manager, logger: Logger(label: "supervisor")
            ).run(replacing: state)
        }
    }

    /// Checks whether this program could replace the running one, which passes it its manifest. An error is reported by
    /// the exit status.
    private func checkManifestOfSupervisor(_ writer: LogWriter) throws {
        let file = SealedFile(adopting: SupervisedProgram.Descriptors.control)
        let application = App()
        let manifest = try application.registeredHandlers.manifest(file, path: options.manifest)
        try writer.apply(manifest.log)
        guard checksTasks, let engine = application.taskEngine else { return }
        CrashNote.enable()
        let check = try engine.parts.checkStoredTasks(manifest, within: Self.taskCheckTime)
        guard check.problems.isEmpty else { throw UnreadableTasks(check: check) }
        printError(check.lines.joined(separator: "; "))
    }

    /// Serves in this process.
    private func serve(
        _ signals: SignalDescriptor, _ writer: LogWriter, _ manager: ServiceManager?
    ) async throws -> Int32 {
        let application = App()
        let handlers = application.registeredHandlers
        var logger = Logger(label: "postlude")
        var manifest: Manifest
        let listener: Listener
        let control: ProcessControl
        if let place {
            // The kernel has named the process after /proc/self/exe.
            nameProcess(RootCommand<App>.programName)
            logger[metadataKey: "process"] = "\(place)"
            let start = try ProcessStart(
                handlers, place: place, path: options.manifest, signals: signals, writer: writer)
            (manifest, listener, control) = (start.manifest, start.listener, start.control)
        } else {
            let path = options.manifest
            let file = WorkingFolder.current?.path(of: path) ?? path
            manifest = try handlers.manifest(at: path)
            let first = manifest
            manifest.status = manifest.status(at: statusListen)
            listener = try .opened(at: listen, manifest.listen)
            control = ProcessControl(
                signals: signals,
                load: { try handlers.manifest(Manifest.text(contentsOf: file), file: path) },
                apply: {
                    try writer.apply($0.log)
                    Logger(label: "postlude").warnOfNextStart(from: first, to: $0)
                },
                reopenLogs: { writer.reopen(logger: Logger(label: "postlude")) })
        }
        // A process of a supervisor serves even if it cannot open the logs: the supervisor has opened them.
        try writer.apply(manifest.log, orLater: place != nil, logger: logger)
        let served = try ApplicationRunner(
            application, manifest: manifest, listener: listener, control: control, logger: logger,
            logs: writer, manager: manager)
        return try await served.runWithServices()
    }
}

/// This program cannot read some of the tasks that wait for it.
private struct UnreadableTasks: Error, CustomStringConvertible {
    /// The supervisor logs the end of what a check prints.
    private static let shown = 10

    let check: StoredTaskCheck

    var description: String {
        var lines = check.lines
        let hidden = check.problems.count - Self.shown
        if hidden > 0 {
            lines.replaceSubrange(Self.shown..<check.problems.count, with: ["\(hidden) more reasons"])
        }
        return lines.joined(separator: "; ")
    }
}
