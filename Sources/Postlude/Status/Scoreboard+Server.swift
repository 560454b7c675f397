internal import FastCGI
internal import Linux
internal import Scoreboard
internal import Workers

extension WorkerSlot {
    /// The worker has a request. Its id is shown if the web server gave one: making one up takes longer than all this.
    func begin(_ head: RequestHead) {
        begin(
            method: head.value("REQUEST_METHOD") ?? [], target: head.value("REQUEST_URI") ?? [],
            request: head.value("REQUEST_ID") ?? head.value("HTTP_X_REQUEST_ID") ?? [], at: .now)
    }
}

extension ServerParts {
    /// Shows what is looked up now and then, and not counted where it happens. Called by the keeper.
    func show(_ pool: WorkerPool) {
        guard let process else { return }
        process.set(isExhausted: !poller.isAnyoneWaiting && !pool.canGrow && poller.hasEvents)
        var (queued, running) = (0, 0)
        var oldest: MonotonicTime?
        for queue in registry.all {
            let census = queue.census
            guard census.queued + census.running > 0 else { continue }
            queued += census.queued
            running += census.running
            oldest = min(oldest ?? queue.created, queue.created)
        }
        process.set(
            connections: poller.connectionCount, queuedTasks: queued, runningTasks: running, oldest: oldest)
    }
}

extension TaskQueue {
    /// How many tasks wait, for another attempt too, and how many run.
    var census: (queued: Int, running: Int) {
        state.withLock { state in
            let line = state.line.elements.reduce(0) { count, item in
                switch item {
                case .task: count + 1
                case .group(let tasks, _): count + tasks.count
                }
            }
            return (line + state.group.count + state.resting.count, state.running.count)
        }
    }

    /// How many tasks or groups are behind the one that runs: cheap, since each task asks.
    var leftInLine: Int { state.withLock { $0.line.count + $0.group.count } }
}

extension TaskOutcome {
    init(_ verdict: TaskQueue.Verdict) {
        self =
            switch verdict {
            case .done: .done
            case .retry, .left, .moved: .retried
            case .failed: .failed
            }
    }
}
