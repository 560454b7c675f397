package import Linux

/// What a manifest decides about the processes.
package struct SupervisorPlan: Sendable {
    /// The manifest's text, which the processes get.
    package var manifest: SealedFile
    package var processCount: Int
    /// How many deaths within `restartInterval` are too many.
    package var restartLimit: Int
    package var restartInterval: Duration
    /// How long processes that were told to end may take.
    package var shutdownGrace: Duration

    package init(
        manifest: SealedFile, processCount: Int, restartLimit: Int, restartInterval: Duration,
        shutdownGrace: Duration
    ) {
        self.manifest = manifest
        self.processCount = processCount
        self.restartLimit = restartLimit
        self.restartInterval = restartInterval
        self.shutdownGrace = shutdownGrace
    }
}
