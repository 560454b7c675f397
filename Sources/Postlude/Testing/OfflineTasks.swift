internal import PostludeSystem

/// The tasks of a request that an offline worker has answered.
package final class OfflineTasks: Sendable {
    private let queue: TaskQueue?
    private let worker: OfflineWorker
    private let clock = OfflineClock()
    private let failed = Lock<[TaskFailure]>([])

    init(_ queue: TaskQueue?, of worker: OfflineWorker) {
        self.queue = queue
        self.worker = worker
    }

    /// The tasks that have not ended, in the order in which they will be called.
    package var queued: [(task: TaskHandle, arguments: [any Sendable])] {
        queue?.waitingTasks.map { (TaskHandle(task: $0), $0.arguments) } ?? []
    }

    /// The tasks that have failed for good.
    package var failures: [TaskFailure] { failed.withLock { $0 } }

    /// Runs the next task, or the next group. Delays before retries are skipped.
    package func runNext() async throws {
        guard let queue else { return }
        try await run { [clock] runner in
            if case .waiting(let due)? = runner.step(queue) {
                clock.advance(to: due)
                _ = runner.step(queue)
            }
        }
    }

    /// Runs all remaining tasks, and those that they add, as a worker does. Delays before retries are skipped.
    package func runAll() async throws {
        guard let queue else { return }
        try await run { [clock] runner in
            while case .waiting(let due) = runner.run(queue) { clock.advance(to: due) }
        }
    }

    /// Drops the remaining tasks, as if the process had ended.
    package func abandon() { queue?.abandon() }

    private func run(_ steps: @escaping @Sendable (TaskRunner) -> Void) async throws {
        guard let queue else { return }
        try await worker.run(
            queue, at: clock, onFailure: { [self] failure in failed.withLock { $0.append(failure) } },
            steps: steps)
    }
}

/// A clock that advances only when `advance` is called.
final class OfflineClock: Sendable {
    private let time = Lock(MonotonicTime.now)

    var now: MonotonicTime { time.withLock { $0 } }

    func advance(to later: MonotonicTime) { time.withLock { $0 = max($0, later) } }
}
