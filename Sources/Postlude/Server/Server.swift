internal import Glibc
internal import Logging
internal import PostludeFastCGI
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeScoreboard
internal import PostludeSupervision
internal import PostludeSystem
internal import PostludeThreads
internal import Synchronization

/// A process that serves an application.
struct Server {
    let manifest: Manifest
    let handlers: [String: Handler]
    let hooks: ApplicationHooks
    let logger: Logger
    let logs: LogWriter
    /// The service manager to notify; nil if there is none.
    var manager: ServiceManager?
    /// The process's slot in the scoreboard, in which workers show what they are doing; nil if there is no status page.
    var process: ProcessSlot?
    /// The store that keeps tasks beyond the process; nil if the application has no durable tasks.
    var store: (any TaskStore)?

    /// Serves until a signal, a message of the supervisor, or `wakeup` ends it.
    ///
    /// - Parameters:
    ///   - control: the sources of commands for the process.
    ///   - wakeup: wakes the control thread, and can request it to stop.
    /// - Returns: the exit status.
    func run(on listener: Listener, control: ProcessControl, wakeup: ControlWakeup) async throws -> Int32 {
        raiseDescriptorLimit()
        let context = try ServerContext(
            manifest: manifest, handlers: handlers, hooks: hooks, listener: listener, control: control,
            wakeup: wakeup, logger: logger, logs: logs, process: process, store: store)
        try store?.open(
            manifest, dispatch: context.dispatch, end: { [process] in process?.end(of: $0) ?? .unknown },
            logger: logger)
        defer { store?.close() }
        defer { context.eventStreams.stop() }
        let deadlines = WriteDeadlines()
        // Fails before the first request is taken if libfcgi cannot create a request, which every worker needs.
        _ = try FCGXRequest()
        let pool = WorkerPool(
            bounds: .init(manifest.workers), onEmpty: wakeup.poolEmptied, onTaskRoom: context.taskRoomChanged
        ) { pool, executor in
            let deadline = deadlines.add()
            defer { deadlines.remove(deadline) }
            let watch = HandlerWatch(executor: executor)
            context.handlers.add(watch)
            defer { context.handlers.remove(watch) }
            do {
                let worker = try Worker(
                    context, pool: pool, executor: executor, watch: watch, writeDeadline: deadline)
                context.starts.succeeded()
                return worker.run()
            } catch {
                context.starts.failed()
                context.ends.count("a worker could not start: \(error)")
                return false
            }
        }
        let commands = ProcessCommands(control, logger: logger) { manifest, number in
            try context.applyManifest(manifest, number: number, to: pool)
        }
        let watchdog = manager.map { Watchdog($0, pool: pool, poller: context.poller) }
        let controlThread = ControlThread(
            context, pool: pool, commands: commands, wakeup: wakeup, writeDeadlines: deadlines,
            watchdog: watchdog)
        try pool.start()
        // The main actor is not blocked while this waits.
        return try await withCheckedThrowingContinuation { continuation in
            do {
                try WorkerThread(name: "control") { continuation.resume(returning: controlThread.run()) }
                    .detach()
                // After the control thread and the workers have started: a process without one of them, or without
                // the descriptors that each needs, must not be reported as ready. If no worker has started, the control
                // thread ends the process.
                if context.starts.wait(for: manifest.workers.minimum) {
                    notifyReady(listener, control.supervisor)
                }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    private func notifyReady(_ listener: Listener, _ supervisor: ControlSocket?) {
        // Before it is reported: from then on, the process has all that it needs to start.
        ProgramPages.unmapAfterStart(logger)
        logger.info(
            "serving",
            metadata: [
                "socket": "\(listener.address)", "routes": "\(manifest.routes.count)", "pid": "\(getpid())",
                "workers": "\(manifest.workers.minimum)-\(manifest.workers.maximum)",
            ])
        supervisor?.send(.ready)
        manager?.notify(.ready, .status("serving \(manifest.routes.count) routes on \(listener.address)"))
    }
}

extension ProgramPages {
    /// Unmaps the pages that only the start of a process has needed.
    static func unmapAfterStart(_ logger: Logger) {
        do throws(SystemError) {
            try unmap()
        } catch {
            logger.debug("the pages of the program stay mapped", metadata: ["error": "\(error)"])
        }
    }
}
