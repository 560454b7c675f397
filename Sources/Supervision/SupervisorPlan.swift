package import Linux

/// What a manifest decides about the processes.
package struct SupervisorPlan: Sendable {
    /// The manifest's text, which the processes get.
    package var manifest: SealedFile
    package var processCount: Int
    /// How long processes that were told to end may take.
    package var shutdownGrace: Duration

    package init(manifest: SealedFile, processCount: Int, shutdownGrace: Duration) {
        self.manifest = manifest
        self.processCount = processCount
        self.shutdownGrace = shutdownGrace
    }
}
