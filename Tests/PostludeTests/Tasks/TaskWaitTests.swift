import PostludeManifest
import PostludeScoreboard
import PostludeSystem
import PostludeThreads
import Testing

@testable import Postlude

@Suite("The waiting times of tasks")
struct TaskWaitTests {
    private struct Failure: Error {}

    @Test("A task waits since it was added, and for another attempt since that was due")
    func attempts() async throws {
        let board = try Scoreboard(program: "shop", processes: 1, workers: 1, isShared: false)
        let process = try #require(board.process(at: 0))
        process.begin(generation: 1)
        let queue = TaskQueue(
            of: RequestIdentity(id: "r1", route: "/"), limits: .init(), logger: RecordedLog().logger,
            registry: TaskRegistry(process: process))
        let task = BackgroundTask(
            name: "a",
            options: TaskOptions(retry: RetryPolicy(attempts: 2, delay: .seconds(10), jitter: 0)),
            function: .sync { throw Failure() })
        queue.add(task)
        _ = queue.finalize(RequestOutcome(hasThrown: false, status: .ok, isDelivered: true))
        let added = task.due
        func wait(after time: Duration) async throws -> Duration {
            let before = board.snapshot().totals.tasks.waits
            _ = try await onThread {
                var runner = TaskRunner(executor: WorkerExecutor(), logger: RecordedLog().logger)
                runner.now = { added + time }
                return runner.run(queue)
            }
            let waits = board.snapshot().totals.tasks.waits.since(before)
            #expect(waits.times.total == 1)
            return waits.time
        }
        #expect(try await wait(after: .seconds(3)) == .seconds(3))
        #expect(try await wait(after: .seconds(18)) == .seconds(5))
    }
}
