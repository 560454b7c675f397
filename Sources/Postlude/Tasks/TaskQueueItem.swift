internal import PostludeSystem

extension TaskQueue {
    /// What a queue holds: a task, or a group of tasks that run beside each other.
    enum Item: Sendable {
        case task(BackgroundTask)
        case group(FIFO<BackgroundTask>, limit: Int)

        var tasks: [BackgroundTask] {
            switch self {
            case .task(let task): [task]
            case .group(let tasks, _): tasks.elements
            }
        }

        /// How many tasks it has.
        var count: Int {
            switch self {
            case .task: 1
            case .group(let tasks, _): tasks.count
            }
        }

        /// Whether all of it is to run.
        func isMet(by outcome: RequestOutcome) -> Bool {
            switch self {
            case .task(let task): task.isMet(by: outcome)
            case .group(let tasks, _): tasks.allSatisfy { $0.isMet(by: outcome) }
            }
        }

        /// - Returns: what is to run, nil for nothing; and what is not.
        func split(_ outcome: RequestOutcome) -> (Item?, dropped: [BackgroundTask]) {
            switch self {
            case .task(let task):
                return isMet(by: outcome) ? (self, []) : (nil, [task])
            case .group(let tasks, let limit):
                let met = tasks.elements.filter { $0.isMet(by: outcome) }
                let unmet = tasks.elements.filter { !$0.isMet(by: outcome) }
                return (met.isEmpty ? nil : .group(FIFO(met), limit: limit), unmet)
            }
        }
    }
}
