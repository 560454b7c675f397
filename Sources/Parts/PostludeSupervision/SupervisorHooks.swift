package import PostludeSystem

/// The functions of the program that the supervisor calls, on its thread.
package struct SupervisorHooks: Sendable {
    package enum Level: Sendable { case info, warning, error, critical }

    /// Events that may be reported to others.
    package enum Event: Equatable, Sendable {
        /// The planned number of processes is ready for requests, for the first time.
        case ready
        case reloading
        /// The new manifest is in use, or was refused.
        case reloaded(generation: Int)
        case upgrading
        case upgradeFailed
        case stopping
    }

    /// Checks a manifest, and makes a plan of it.
    package var load: @Sendable (SealedFile) throws -> SupervisorPlan
    /// Reads the manifest without checking it, since the program that replaces this one may accept more.
    package var readManifest: @Sendable () throws -> SealedFile
    package var log: @Sendable (Level, String, [String: String]) -> Void
    package var event: @Sendable (Event) -> Void = { _ in }
    /// Called at about this interval as long as the supervisor is not stuck.
    package var heartbeat: Heartbeat?
    /// Variables for the program that replaces this one, beside those of this process.
    package var environment: [String: String] = [:]
    /// Called when another program is about to replace this one.
    package var replacing: @Sendable () -> Void = {}
    package var reopenLogs: @Sendable () -> Void = {}
    /// Closes the supervisor's own listening socket, so that connections that would never be accepted are not queued.
    package var stopListening: @Sendable () -> Void = {}
    /// Returns the time of a process's last sign of life; nil if there was none yet.
    package var lastBeat: @Sendable (_ index: Int) -> MonotonicTime? = { _ in nil }
    /// Called when a process is about to be started. `ended` is called when it has ended, and its index may be reused.
    package var starting: @Sendable (_ index: Int) -> Void = { _ in }
    package var ended: @Sendable (_ index: Int) -> Void = { _ in }
    /// Called before `ended` if a process has ended unexpectedly; what it was doing can still be read from its place.
    package var died: @Sendable (_ index: Int, _ pid: Int32, _ exit: ChildProcess.Exit) -> Void = { _, _, _ in
    }

    package struct Heartbeat: Sendable {
        let interval: Duration
        let beat: @Sendable () -> Void

        package init(every interval: Duration, beat: @escaping @Sendable () -> Void) {
            self.interval = interval
            self.beat = beat
        }
    }

    package init(
        load: @escaping @Sendable (SealedFile) throws -> SupervisorPlan,
        readManifest: @escaping @Sendable () throws -> SealedFile,
        log: @escaping @Sendable (Level, String, [String: String]) -> Void
    ) {
        self.load = load
        self.readManifest = readManifest
        self.log = log
    }
}

/// The settings of a manifest for the supervisor.
package struct SupervisorPlan: Sendable {
    /// The manifest's text, which is passed to the processes.
    package var manifest: SealedFile
    package var processCount: Int
    /// How long processes that were told to end may take.
    package var shutdownGrace: Duration
    /// A process that shows no sign of life for this time is killed.
    package var watchdog: Duration

    package init(
        manifest: SealedFile, processCount: Int, shutdownGrace: Duration, watchdog: Duration = .seconds(30)
    ) {
        self.manifest = manifest
        self.processCount = processCount
        self.shutdownGrace = shutdownGrace
        self.watchdog = watchdog
    }
}
