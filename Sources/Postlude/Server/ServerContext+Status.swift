internal import PostludeFastCGI
internal import PostludeScoreboard
internal import PostludeThreads

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
