package import PostludeSystem

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
