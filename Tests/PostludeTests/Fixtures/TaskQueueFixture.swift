import PostludeManifest
import PostludeSystem
import PostludeThreads

@testable import Postlude

/// Queues of one request, and a runner for them whose clock stands still during each run.
final class TaskQueueFixture: Sendable {
    let log = RecordedLog()
    let registry = TaskRegistry()
    let failures = Record<TaskFailure>()
    private let time = Lock(MonotonicTime(nanoseconds: 0))

    func queue(limits: Manifest.TaskLimits = .init()) -> TaskQueue {
        TaskQueue(
            of: RequestIdentity(id: "r1", route: "/a"), limits: limits, logger: log.logger,
            registry: registry)
    }

    /// A queue of persisted tasks, which the registry has.
    func queue(persisted tasks: any PersistedTask...) -> TaskQueue {
        let queue = queue()
        for stored in tasks {
            let task = BackgroundTask(stored)
            task.markPersisted()
            queue.add(task)
        }
        registry.insert(queue)
        return queue
    }

    /// Runs the tasks whose time has come.
    ///
    /// - Parameter milliseconds: what the clock says.
    @discardableResult
    func run(_ queue: TaskQueue, at milliseconds: Int64 = 0) async throws -> TaskRunner.Progress {
        time.withLock { $0 = MonotonicTime(nanoseconds: milliseconds * 1_000_000) }
        return try await onThread { [self] in
            var runner = TaskRunner(
                executor: WorkerExecutor(), logger: log.logger,
                onFailure: { [failures] in failures.append($0) })
            runner.now = { [self] in time.withLock { $0 } }
            runner.random = { 0 }
            return runner.run(queue)
        }
    }
}

extension TaskRunner.Progress {
    /// The next attempt is due when the clock says so many milliseconds.
    static func due(_ milliseconds: Int64) -> TaskRunner.Progress {
        .waiting(until: MonotonicTime(nanoseconds: milliseconds * 1_000_000))
    }
}
