internal import PostludeSystem

extension TaskQueue {
    /// An item of a queue: a task, or a group of tasks that run concurrently.
    enum Item: Sendable {
        case task(BackgroundTask)
        case group(FIFO<BackgroundTask>, limit: Int)

        var tasks: [BackgroundTask] {
            switch self {
            case .task(let task): [task]
            case .group(let tasks, _): tasks.elements
            }
        }

        /// The number of tasks in the item.
        var count: Int {
            switch self {
            case .task: 1
            case .group(let tasks, _): tasks.count
            }
        }

        /// Whether the conditions of all its tasks are met.
        func isMet(by outcome: RequestOutcome) -> Bool {
            switch self {
            case .task(let task): task.isMet(by: outcome)
            case .group(let tasks, _): tasks.allSatisfy { $0.isMet(by: outcome) }
            }
        }

        /// Splits the item by the conditions of its tasks.
        ///
        /// - Returns: what runs of the item, nil if nothing does; and the tasks that do not run.
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
