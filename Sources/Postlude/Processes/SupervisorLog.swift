internal import Logging
internal import PostludeManifest
internal import PostludeSupervision

extension SupervisorHooks.Level {
    var logLevel: Logger.Level {
        switch self {
        case .info: .info
        case .warning: .warning
        case .error: .error
        case .critical: .critical
        }
    }
}

extension Logger {
    /// Warns of the keys that a new manifest changes, and that apply only at the next start.
    ///
    /// - Parameter manifest: the manifest with which the program started.
    func warnOfNextStart(from manifest: Manifest, to next: Manifest) {
        let keys = manifest.keysForNextStart(in: next)
        guard !keys.isEmpty else { return }
        warning(
            "the manifest has changed at keys that apply at the next start",
            metadata: ["keys": "\(keys.joined(separator: ", "))"])
    }

    /// Logs an entry of the supervisor.
    func log(_ level: SupervisorHooks.Level, _ message: String, _ facts: [String: String]) {
        log(level: level.logLevel, "\(message)", metadata: facts.mapValues { "\($0)" })
    }
}
