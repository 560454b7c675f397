package import PostludeSystem

/// Why there is not a scoreboard.
package enum ScoreboardError: Error, CustomStringConvertible {
    case system(SystemError)
    case tooLarge(processes: Int, workers: Int)
    /// What was inherited is not a scoreboard, or one of another build.
    case foreign(String)

    package var description: String {
        switch self {
        case .system(let error): "scoreboard: \(error)"
        case .tooLarge(let processes, let workers):
            """
            scoreboard: there is no place for \(processes) processes of \(workers) workers, but for at most \
            \(Layout.maximumProcesses) of \(Layout.maximumWorkers); lower processes.count or workers.max
            """
        case .foreign(let reason):
            "scoreboard: the inherited memory cannot be used: \(reason); restart the supervisor"
        }
    }
}
