internal import PostludeFastCGI
internal import PostludeRouting
internal import PostludeScoreboard
internal import PostludeSystem
internal import PostludeThreads

extension WorkerSlot {
    /// The worker has a request. Its id is shown if the web server gave one: making one up takes longer than all this.
    func beginRequest(_ head: RequestHead) {
        begin(
            method: head.value("REQUEST_METHOD") ?? [],
            target: AbsoluteForm.originForm(of: head.value("REQUEST_URI") ?? []),
            request: head.value("REQUEST_ID") ?? head.value("HTTP_X_REQUEST_ID") ?? [], at: .now)
    }
}

extension ServerContext {
    /// Shows what is looked up now and then, and not counted where it happens. Called by the control thread.
    func show(_ pool: WorkerPool) {
        guard let process else { return }
        process.set(isExhausted: !poller.isAnyoneWaiting && !pool.canGrow && poller.hasEvents)
        var all = TaskCounts()
        for queue in registry.all {
            let census = queue.census
            guard census.queued + census.running > 0 else { continue }
            all.queued += census.queued
            all.running += census.running
            switch census.reason {
            case .worker: all.forWorker += census.queued
            case .attempt: all.forAttempt += census.queued
            case .turn: break
            }
            all.oldest = min(all.oldest ?? queue.created, queue.created)
        }
        process.set(connections: poller.connectionCount, tasks: all)
    }
}

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
