package import PostludeSystem

/// What the supervisor asks its program for. Called on its thread.
package struct SupervisorHooks: Sendable {
    package enum Level: Sendable { case info, warning, error, critical }

    /// What others may be told of.
    package enum Event: Equatable, Sendable {
        /// As many processes as there should be wait for requests, for the first time.
        case ready
        case reloading
        /// The new manifest is in use, or was refused.
        case reloaded(generation: Int)
        case upgrading
        case upgradeFailed
        case stopping
    }

    /// Reads the manifest and checks it.
    package var load: @Sendable () throws -> SupervisorPlan
    /// Reads the manifest without checking it: the program that replaces this one may know more.
    package var readManifest: @Sendable () throws -> SealedFile
    package var log: @Sendable (Level, String, [String: String]) -> Void
    package var event: @Sendable (Event) -> Void = { _ in }
    /// Called about that often, as long as the supervisor is not stuck.
    package var heartbeat: Heartbeat?
    /// Variables for the program that replaces this one, beside those of this process.
    package var environment: [String: String] = [:]
    /// Another program is about to take this one's place.
    package var replacing: @Sendable () -> Void = {}
    package var reopenLogs: @Sendable () -> Void = {}
    /// Closes the supervisor's own listening socket, so that no connection is queued that would never be accepted.
    package var stopListening: @Sendable () -> Void = {}
    /// When a process last gave a sign of life; nil if it has not yet.
    package var lastBeat: @Sendable (_ index: Int) -> MonotonicTime? = { _ in nil }
    /// A process is about to be started, and one has ended: its place is another one's from then on.
    package var starting: @Sendable (_ index: Int) -> Void = { _ in }
    package var ended: @Sendable (_ index: Int) -> Void = { _ in }
    /// A process has ended otherwise than it was told to; what it was at can be read before its place is given away.
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
        load: @escaping @Sendable () throws -> SupervisorPlan,
        readManifest: @escaping @Sendable () throws -> SealedFile,
        log: @escaping @Sendable (Level, String, [String: String]) -> Void
    ) {
        self.load = load
        self.readManifest = readManifest
        self.log = log
    }
}

/// What a manifest decides about the processes.
package struct SupervisorPlan: Sendable {
    /// The manifest's text, which the processes get.
    package var manifest: SealedFile
    package var processCount: Int
    /// How long processes that were told to end may take.
    package var shutdownGrace: Duration
    /// A process that gives no sign of life for so long is killed.
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
