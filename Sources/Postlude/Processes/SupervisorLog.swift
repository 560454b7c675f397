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
    /// Names what a manifest that was read again changes, and cannot change now.
    ///
    /// - Parameter manifest: what the program has begun with.
    func warnOfNextStart(from manifest: Manifest, to next: Manifest) {
        let keys = manifest.keysForNextStart(in: next)
        guard !keys.isEmpty else { return }
        warning(
            "the manifest has changed at keys that apply at the next start",
            metadata: ["keys": "\(keys.joined(separator: ", "))"])
    }

    /// An entry of the supervisor.
    func log(_ level: SupervisorHooks.Level, _ message: String, _ facts: [String: String]) {
        log(level: level.logLevel, "\(message)", metadata: facts.mapValues { "\($0)" })
    }
}
