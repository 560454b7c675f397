internal import ArgumentParser
internal import Glibc
package import Logging
internal import PostludeLogOutput
package import PostludeManifest
package import PostludeSystem
internal import PostludeThreads
internal import ServiceLifecycle

/// A process that runs an application's tasks and serves no requests, for the subcommands of other modules. It uses the
/// manifest's log, the application's services, `start()` and `stop()`.
package struct TaskProgram<App: Application>: Sendable {
    package let application: App
    package let manifest: Manifest
    package let logger: Logger
    /// The signals SIGTERM, SIGINT, SIGHUP and SIGUSR1.
    package let signals: SignalDescriptor
    /// Signalled when the application's services shut down.
    package let stop: EventDescriptor
    private let writer: LogWriter
    private let manager: ServiceManager?

    /// Reads the manifest, and runs `body` on a thread of its own between `start()` and `stop()`.
    ///
    /// - Parameters:
    ///   - path: the manifest's path.
    ///   - body: runs the tasks, and returns the exit status.
    /// - Throws: always an `ExitCode`: the exit status, or failure after the error was printed.
    package static func run(
        manifest path: String, _ body: @escaping @Sendable (TaskProgram) throws -> Int32
    ) async throws {
        try await RootCommand<App>.runProcess(takingSignals: [SIGTERM, SIGINT, SIGHUP, SIGUSR1]) {
            signals, writer in
            let application = App()
            let manifest = try application.registeredHandlers.manifest(at: path)
            try writer.apply(manifest.log)
            application.taskEngine?.parts.prepare(manifest)
            let program = TaskProgram(
                application: application, manifest: manifest, logger: Logger(label: "postlude"),
                signals: signals,
                stop: try EventDescriptor(), writer: writer, manager: try ServiceManager.takeFromEnvironment()
            )
            return try await program.runWithServices(body)
        }
    }

    /// Creates workers for the application's tasks.
    ///
    /// - Parameter store: the store that has the tasks; nil if they come from elsewhere.
    package func makeWorkers(store: (any TaskStore)? = nil) -> TaskWorkerPool {
        TaskWorkerPool(for: application, limits: manifest.tasks, logger: logger, store: store) {
            [application] in
            application.taskFailed($0)
        }
    }

    /// Notifies the service manager that the process is ready.
    package func notifyReady(_ status: String) { manager?.notify(.ready, .status(status)) }

    /// Notifies the service manager that the process is stopping.
    ///
    /// - Parameter grace: the time that the process may need to end.
    package func notifyStopping(grace: Duration) {
        manager?.notify(.stopping, .extendTimeout(grace + .seconds(10)))
    }

    /// The interval at which the service manager's watchdog expects ``runPeriodicChecks()`` to be called; nil if there is no
    /// watchdog.
    package var watchdogInterval: Duration? { manager?.watchdogInterval }

    /// Writes delayed log entries, reports lost ones, and notifies the service manager's watchdog. Called every second or
    /// more often.
    package func runPeriodicChecks() {
        writer.flushAndReportLosses(to: logger)
        if manager?.watchdogInterval != nil { manager?.notify(.watchdog) }
    }

    /// Reopens the log file, after it was moved.
    package func reopenLogs() { writer.reopen(logger: logger) }

    private func runWithServices(_ body: @escaping @Sendable (TaskProgram) throws -> Int32) async throws
        -> Int32
    {
        let service = TaskService(program: self, body: body)
        try await application.runServices(before: service, logger: logger)
        return service.status.withLock { $0 }
    }
}

private final class TaskService<App: Application>: Service {
    let program: TaskProgram<App>
    let body: @Sendable (TaskProgram<App>) throws -> Int32
    let status = Lock<Int32>(1)

    init(program: TaskProgram<App>, body: @escaping @Sendable (TaskProgram<App>) throws -> Int32) {
        self.program = program
        self.body = body
    }

    func run() async throws {
        let result = try await program.application.runBetweenStartAndStop(logger: program.logger) {
            try await runOnThread()
        } onShutdown: { [program] in
            program.stop.signal()
        }
        status.withLock { $0 = result }
    }

    private func runOnThread() async throws -> Int32 {
        try await withCheckedThrowingContinuation { continuation in
            do {
                try WorkerThread(name: "control") { [self] in
                    continuation.resume(with: Result { try body(program) })
                }.detach()
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }
}
