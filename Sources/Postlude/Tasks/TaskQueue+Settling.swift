internal import Logging
internal import PostludeSystem

extension TaskQueue {
    /// The response is finished: drops the tasks whose condition is not met, and logs them.
    ///
    /// - Returns: whether any task is to run.
    func settle(_ outcome: RequestOutcome) -> Bool {
        let (dropped, isOver, _) = state.withLock { state -> ([BackgroundTask], Bool, [any Sendable]) in
            state.outcome = outcome
            state.takesStored = false
            // Mostly every task runs.
            if state.line.allSatisfy({ $0.isMet(by: outcome) }) {
                state.isOver = state.line.isEmpty
                return ([], state.isOver, state.isOver ? state.takeKept() : [])
            }
            var dropped: [BackgroundTask] = []
            var line = FIFO<Item>()
            for item in state.line.elements {
                let (rest, tasks) = item.split(outcome)
                if let rest { line.append(rest) }
                dropped += tasks
            }
            state.line = line
            state.isOver = line.isEmpty
            return (dropped, state.isOver, state.isOver ? state.takeKept() : [])
        }
        let hasThrown = { (task: BackgroundTask) in outcome.hasThrown || task.isOfThrown }
        drop(
            dropped.filter(hasThrown), because: "handler failed, its tasks were dropped", level: .warning)
        drop(
            dropped.filter { !hasThrown($0) }, because: "tasks were dropped, their condition is not met",
            level: .debug)
        return !isOver
    }

    /// Names the tasks that will not run: the first hundred of them, and how many there are.
    ///
    /// - Parameter result: what the store of those that are kept is told.
    func drop(
        _ tasks: [BackgroundTask], because reason: Logger.Message, level: Logger.Level,
        as result: AttemptResult = .dropped
    ) {
        if tasks.isEmpty { return }
        let names = tasks.compactMap { task in
            // Skips cancelled tasks.
            guard task.drop(as: result) else { return nil as String? }
            registry.count(result, of: task)
            return task.name
        }
        guard !names.isEmpty else { return }
        let listed = names.prefix(100).joined(separator: ", ") + (names.count > 100 ? ", …" : "")
        logger.log(
            level: level, reason,
            metadata: [
                "request": "\(requestID)", "route": "\(route)", "count": "\(names.count)",
                "tasks": "\(listed)",
            ])
    }
}

extension TaskQueue.Item {
    /// Whether all of it is to run.
    func isMet(by outcome: RequestOutcome) -> Bool {
        switch self {
        case .task(let task): task.isMet(by: outcome)
        case .group(let tasks, _): tasks.allSatisfy { $0.isMet(by: outcome) }
        }
    }

    /// - Returns: what is to run, nil for nothing; and what is not.
    func split(_ outcome: RequestOutcome) -> (TaskQueue.Item?, dropped: [BackgroundTask]) {
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
