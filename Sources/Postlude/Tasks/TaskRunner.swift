internal import Linux
internal import Logging
internal import Workers

/// Plays the postlude: runs the tasks of a request on the calling worker.
struct TaskRunner {
    let executor: WorkerExecutor
    let logger: Logger

    /// Runs the tasks of `queue` one after another, also those that are added meanwhile.
    func run(_ queue: TaskQueue) {
        while let task = queue.next() {
            let start = MonotonicTime.now
            let failure = run(task, of: queue)
            let metadata = queue.metadata(task.name, since: start)
            if let failure {
                logger.error("task failed", metadata: metadata.merging(["error": "\(failure)"]) { $1 })
            } else {
                logger.info("task done", metadata: metadata)
            }
        }
    }

    private func run(_ task: BackgroundTask, of queue: TaskQueue) -> (any Error)? {
        switch task.function {
        case .sync(let function):
            do {
                try function()
                return nil
            } catch {
                return error
            }
        case .async(let function):
            let result = executor.run {
                try await function()
            } started: { cancel in
                queue.setCancellation(cancel)
            }
            if case .failure(let error) = result { return error }
            return nil
        }
    }
}
