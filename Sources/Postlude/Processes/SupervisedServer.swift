internal import Logging
internal import PostludeFastCGI
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeScoreboard
internal import PostludeSupervision
internal import PostludeSystem
internal import PostludeThreads

/// A supervisor with the processes of an application, which `serve` runs.
struct SupervisedServer: Sendable {
    let handlers: Handlers
    let taskEngine: TaskEngine?
    /// The manifest's path.
    let path: String
    /// The address on the command line.
    let listen: String?
    /// The status pages' address on the command line.
    let statusListen: String?
    let signals: SignalDescriptor
    let writer: LogWriter
    /// The service manager to notify; nil if there is none.
    let manager: ServiceManager?
    let logger: Logger
    private let folder = WorkingFolder.current

    /// Supervises until every process has ended.
    ///
    /// - Parameter state: the state of the program that this one replaces, if any.
    /// - Returns: the exit status.
    func run(replacing state: SupervisorState?) async throws -> Int32 {
        // Each process needs two descriptors.
        raiseDescriptorLimit()
        let (manifest, plan) = try checked(state.map { SealedFile(adopting: $0.manifest) } ?? readManifest())
        try writer.apply(manifest.log, orLater: state != nil, logger: logger)
        let listener = try open(manifest, state)
        let handover =
            try state.map {
                HandoverQueue(
                    sending: $0.descriptors.handoverSending, receiving: $0.descriptors.handoverReceiving)
            } ?? HandoverQueue()
        let scoreboard = try scoreboard(for: manifest, state)
        let descriptors = SharedDescriptors(
            listener: listener.descriptor, scoreboard: scoreboard.descriptor,
            handoverSending: handover.sending,
            handoverReceiving: handover.receiving)
        logger.info(
            "supervising",
            metadata: [
                "socket": "\(listener.address)", "processes": "\(plan.processCount)",
                "generation": "\(state?.generation ?? 1)",
            ])
        let hooks = hooks(beginningWith: manifest, listener: listener, scoreboard)
        let statusServer = try startStatusServer(
            manifest, scoreboard, listener, isIndispensable: state == nil)
        defer { statusServer?.stop() }
        // The main actor is not blocked while this waits.
        return try await withCheckedThrowingContinuation { continuation in
            do {
                try WorkerThread(name: "supervisor") {
                    let supervisor = Supervisor(
                        program, plan: plan, descriptors: descriptors, ownsSocketFile: listener.ownsFile,
                        signals: SignalSource(signals), hooks: hooks, state: state)
                    let status = supervisor.run()
                    // Keeps the handover queue open as long as processes can be started with it.
                    withExtendedLifetime(handover) { continuation.resume(returning: status) }
                }.detach()
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    private func open(_ manifest: Manifest, _ state: SupervisorState?) throws -> Listener {
        if let state {
            return try .adopting(state.descriptors.listener, owningFile: state.ownsSocketFile)
        }
        return try .opened(at: listen, manifest.listen)
    }

    /// Returns the old program's scoreboard with its counts, if it is large enough; otherwise a new one.
    private func scoreboard(for manifest: Manifest, _ state: SupervisorState?) throws -> Scoreboard {
        // Old and new processes coexist for a while, and a reload may increase their number.
        let places = 4 * manifest.processes.count + 16
        var replaced: Scoreboard?
        if let descriptor = state?.descriptors.scoreboard {
            do throws(ScoreboardError) {
                let old = try Scoreboard(adopting: descriptor)
                if old.processCount >= places { return old }
                replaced = old
            } catch {
                logger.warning("the counts so far are lost", metadata: ["reason": "\(error)"])
            }
        }
        let scoreboard = try Scoreboard(
            program: programName, processes: places, workers: max(64, manifest.workers.maximum),
            isShared: true)
        if let replaced { scoreboard.copyHistory(of: replaced) }
        return scoreboard
    }

    /// Starts the server of the status page, and returns it; nil if there is no status page, or if an error was logged.
    ///
    /// - Parameter isIndispensable: false if processes serve already: an error must not end the supervisor, and these
    ///   processes with it.
    private func startStatusServer(
        _ manifest: Manifest, _ scoreboard: Scoreboard, _ listener: Listener, isIndispensable: Bool
    ) throws -> StatusServer? {
        guard let status = manifest.status(at: statusListen) else { return nil }
        do {
            let server = try StatusServer(
                scoreboard, at: status, watching: listener.descriptor, manager: "supervisor",
                accessLog: manifest.log.access,
                inspector: taskEngine?.parts.makeInspector(manifest), logger: logger)
            try server.start()
            return server
        } catch {
            if isIndispensable { throw error }
            logger.error("the status cannot be shown until the next start", metadata: ["error": "\(error)"])
            return nil
        }
    }

    private func hooks(
        beginningWith manifest: Manifest, listener: Listener, _ scoreboard: Scoreboard
    ) -> SupervisorHooks {
        let logger = logger
        var hooks = SupervisorHooks(
            load: { file in
                let (next, plan) = try checked(file)
                try writer.apply(next.log)
                logger.warnOfNextStart(from: manifest, to: next)
                return plan
            },
            readManifest: { try readManifest() },
            log: { logger.log($0, $1, $2) })
        hooks.reopenLogs = { writer.reopen(logger: logger) }
        hooks.heartbeat = .init(every: min(.seconds(1), manager?.watchdogInterval ?? .seconds(1))) {
            manager?.notify(.watchdog)
            writer.flushAndReportLosses(to: logger)
        }
        if let manager { hooks.environment = manager.environment }
        let grace = manifest.shutdownGrace
        let serving = "serving \(manifest.routes.count) routes on \(listener.address)"
        hooks.event = { event in
            manager?.notify(event, serving: serving, grace: grace)
            if case .ready = event { ProgramPages.unmapAfterStart(logger) }
        }
        hooks.starting = { scoreboard.claim(process: $0) }
        hooks.died = { index, pid, exit in
            switch exit {
            case .signal(let number): scoreboard.note(endOf: pid, signal: number, status: 0)
            case .status(let status): scoreboard.note(endOf: pid, signal: nil, status: status)
            }
            for line in scoreboard.unfinishedWork(ofProcess: index) {
                logger.error("a process left unfinished: \(line)", metadata: ["pid": "\(pid)"])
            }
        }
        hooks.lastBeat = { scoreboard.lastBeat(ofProcess: $0) }
        hooks.ended = { scoreboard.release(process: $0) }
        hooks.replacing = { writer.flush() }
        hooks.stopListening = {
            listener.refuseConnections()
            listener.close()
        }
        return hooks
    }

    /// Reads the manifest, through the symbolic links that lead to it now.
    private func readManifest() throws -> SealedFile {
        let file = folder?.path(of: path) ?? path
        return try SealedFile("manifest", Array(Manifest.text(contentsOf: file).utf8))
    }

    private func checked(_ file: SealedFile) throws -> (Manifest, SupervisorPlan) {
        let manifest = try handlers.manifest(file, path: path)
        return (
            manifest,
            SupervisorPlan(
                manifest: file, processCount: manifest.processes.count,
                shutdownGrace: manifest.shutdownGrace, watchdog: manifest.processes.watchdog)
        )
    }

    private var program: SupervisedProgram {
        let name = CommandLine.arguments.first ?? ""
        let path = path
        return SupervisedProgram(
            processArguments: { [name, "serve", "--process", "\($0)", "--manifest", path] },
            path: folder.flatMap { ExecutablePath.current(calledAs: name, in: $0) },
            folder: folder.flatMap { $0.isLinked ? $0 : nil },
            preflightArguments: [name, "serve", "--preflight", "--manifest", path],
            upgradeCheckArguments: ["--stored-tasks"],
            arguments: CommandLine.arguments)
    }
}

extension ServiceManager {
    /// Notifies the service manager of an event of the supervisor.
    fileprivate func notify(_ event: SupervisorHooks.Event, serving: String, grace: Duration) {
        switch event {
        case .ready: notify(.ready, .status(serving))
        case .reloading: notify(.reloading, .status("reading the manifest again"))
        case .reloaded(let generation): notify(.ready, .status("serving with manifest \(generation)"))
        case .upgrading: notify(.reloading, .status("checking the new program"))
        case .upgradeFailed: notify(.ready, .status("serving; the new program was refused"))
        case .stopping:
            notify(
                .stopping, .extendTimeout(grace + .seconds(5)),
                .status("stopping: requests in flight are finished and queued tasks run"))
        }
    }
}

extension Handlers {
    /// Checks a manifest that was passed in memory.
    ///
    /// - Parameter path: the path of the manifest, for diagnostics.
    func manifest(_ file: SealedFile, path: String) throws -> Manifest {
        try manifest(String(decoding: try file.bytes(), as: UTF8.self), file: path)
    }
}
