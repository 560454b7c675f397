internal import PostludeLogOutput
internal import PostludeScoreboard
internal import PostludeSystem

extension TaskQueue {
    /// What its first task waits for.
    enum WaitingReason {
        /// For a worker that may run tasks.
        case worker
        /// For the time of its next attempt.
        case attempt
        /// For its response, or for the task before it, which runs.
        case turn
    }

    /// How many tasks wait, for another attempt too, and how many run.
    var census: (queued: Int, running: Int, reason: WaitingReason) {
        state.withLock { state in
            let line = state.line.elements.reduce(0) { count, item in
                switch item {
                case .task: count + 1
                case .group(let tasks, _): count + tasks.count
                }
            }
            return (
                line + state.group.count + state.resting.count, state.running.count, state.waitingReason
            )
        }
    }

    /// How many tasks are to run after the response, and whether there are some among them that no store has.
    var tasksToTake: (count: Int, hasOthers: Bool) {
        let tasks = queued.filter { !$0.isOfThrown }
        return (tasks.count, tasks.contains { !$0.isKept })
    }

    /// How many tasks or groups are after the one that runs, and how long the request's answer took: cheap, since each
    /// task asks.
    var shown: (left: Int, duration: Duration?) {
        state.withLock { ($0.line.count + $0.group.count, $0.outcome?.duration) }
    }
}

extension TaskQueue.State {
    fileprivate var waitingReason: TaskQueue.WaitingReason {
        guard running.isEmpty, outcome != nil else { return .turn }
        guard let due = resting.map(\.due).min() else {
            // Between two of its tasks none of them runs.
            return group.isEmpty && tally.ended == 0 ? .worker : .turn
        }
        return due > .now ? .attempt : .worker
    }
}
