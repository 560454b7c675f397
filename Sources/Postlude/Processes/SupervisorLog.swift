internal import Logging
internal import Supervision

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
    /// An entry of the supervisor.
    func log(_ level: SupervisorHooks.Level, _ message: String, _ facts: [String: String]) {
        log(level: level.logLevel, "\(message)", metadata: facts.mapValues { "\($0)" })
    }
}
