internal import PostludeSystem

/// The tasks that an offline worker's request has left to run.
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
    package var left: [(task: TaskHandle, arguments: [any Sendable])] {
        queue?.unfinished.map { (TaskHandle(task: $0), $0.arguments) } ?? []
    }

    /// Those that have failed for good.
    package var failures: [TaskFailure] { failed.withLock { $0 } }

    /// Runs the next task, or the next group; the time until a retry is over at once.
    package func runNext() async throws {
        guard let queue else { return }
        try await run { [clock] runner in
            if case .waiting(let due)? = runner.step(queue) {
                clock.advance(to: due)
                _ = runner.step(queue)
            }
        }
    }

    /// Runs what is left, also what it adds, as a worker does; the time until a retry is over at once.
    package func runAll() async throws {
        guard let queue else { return }
        try await run { [clock] runner in
            while case .waiting(let due) = runner.run(queue) { clock.advance(to: due) }
        }
    }

    /// The process ends here: what is left is gone.
    package func abandon() { queue?.abandon() }

    private func run(_ steps: @escaping @Sendable (TaskRunner) -> Void) async throws {
        guard let queue else { return }
        try await worker.run(
            queue, at: clock, onFailure: { [self] failure in failed.withLock { $0.append(failure) } },
            steps: steps)
    }
}

/// A clock that stands still until it is told to go on.
final class OfflineClock: Sendable {
    private let time = Lock(MonotonicTime.now)

    var now: MonotonicTime { time.withLock { $0 } }

    func advance(to later: MonotonicTime) { time.withLock { $0 = max($0, later) } }
}
