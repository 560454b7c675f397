internal import DequeModule

extension TaskQueue {
    /// An item of a queue: a task, or a group of tasks that run concurrently.
    enum Item: Sendable {
        case task(BackgroundTask)
        case group(Deque<BackgroundTask>, limit: Int)

        var tasks: [BackgroundTask] {
            switch self {
            case .task(let task): [task]
            case .group(let tasks, _): Array(tasks)
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
                var met = tasks
                met.removeAll { !$0.isMet(by: outcome) }
                let unmet: [BackgroundTask] = tasks.filter { !$0.isMet(by: outcome) }
                return (met.isEmpty ? nil : .group(met, limit: limit), unmet)
            }
        }
    }
}
