import Logging
import PostludeManifest
import PostludeSystem
import PostludeThreads
import Synchronization
import Testing

@testable import Postlude

@Suite("TaskRunner")
struct TaskRunnerTests {
    private struct Spill: Error {
        let litres: Int
    }

    private let log = RecordedLog()

    private func queue(deadline: Duration? = nil) -> TaskQueue {
        var limits = Manifest.TaskLimits()
        limits.deadline = deadline
        return TaskQueue(of: RequestIdentity(id: "r1", route: "/a"), limits: limits, logger: log.logger)
    }

    /// Runs a queue as a worker does.
    ///
    /// - Returns: the worker's thread.
    @discardableResult
    private func run(_ queue: TaskQueue) async throws -> UInt {
        let logger = log.logger
        return try await onThread {
            TaskRunner(executor: WorkerExecutor(), logger: logger).run(queue)
            return currentThread()
        }
    }

    private func add(_ name: String, to queue: TaskQueue, _ function: BackgroundTask.Function) {
        queue.add(BackgroundTask(name: name, function: function))
    }

    @Test("tasks run one after another, sync and async, on one thread")
    func order() async throws {
        let queue = queue()
        let record = Record<String>()
        let threads = Record<UInt>()
        for number in 0..<4 {
            add(
                "sync", to: queue,
                .sync {
                    record.append("\(number) sync")
                    threads.append(currentThread())
                })
            add(
                "async", to: queue,
                .async {
                    threads.append(currentThread())
                    record.append("\(number) begins")
                    try await Task.sleep(for: .milliseconds(1))
                    record.append("\(number) ends")
                    threads.append(currentThread())
                })
        }
        let thread = try await run(queue)
        #expect(record.entries == (0..<4).flatMap { ["\($0) sync", "\($0) begins", "\($0) ends"] })
        #expect(Set(threads.entries) == [thread])
    }

    @Test("a task that fails is logged with its error, and the next one runs")
    func failure() async throws {
        let queue = queue()
        let record = Record<String>()
        add("sync", to: queue, .sync { throw Spill(litres: 1) })
        add(
            "async", to: queue,
            .async {
                await Task.yield()
                throw Spill(litres: 2)
            })
        add("last", to: queue, .sync { record.append("last") })
        try await run(queue)
        #expect(record.entries == ["last"])
        #expect(log.entries.map(\.message) == ["task failed", "task failed", "task done"])
        #expect(log.entries.map(\.level) == [.error, .error, .info])
        #expect(log.entries.map { $0.metadata["task"] } == ["sync", "async", "last"])
        #expect(log.entries[0].metadata["error"] == "Spill(litres: 1)")
        #expect(log.entries[1].metadata["error"] == "Spill(litres: 2)")
        #expect(log.entries[2].metadata["error"] == nil)
        #expect(log.entries.allSatisfy { $0.metadata["request"] == "r1" && $0.metadata["route"] == "/a" })
        #expect(log.entries.allSatisfy { $0.metadata["duration"]?.hasSuffix(" ms") == true })
    }

    @Test("a task may add another one, which runs last")
    func additions() async throws {
        let queue = queue()
        let record = Record<String>()
        add(
            "1", to: queue,
            .sync {
                record.append("1")
                queue.add(BackgroundTask(name: "3", function: .sync { record.append("3") }))
            })
        add("2", to: queue, .async { record.append("2") })
        try await run(queue)
        #expect(record.entries == ["1", "2", "3"])
    }

    @Test("a deadline cancels an async task, and the next one runs uncancelled")
    func deadline() async throws {
        let queue = queue(deadline: .seconds(60))
        let record = Record<String>()
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        add(
            "endless", to: queue,
            .async {
                begin.yield()
                try await Task.sleep(for: .seconds(86_400))
            })
        add("next", to: queue, .async { record.append("cancelled: \(Task.isCancelled)") })
        async let end: UInt = run(queue)
        for await _ in begun { break }
        queue.check(at: .now + .seconds(61))
        _ = try await end
        #expect(record.entries == ["cancelled: false"])
        #expect(log.entries("task is past its deadline and was cancelled").count == 1)
        #expect(log.entries("task failed").first?.metadata["error"] == "CancellationError()")
        #expect(log.entries("task done").first?.metadata["task"] == "next")
    }

    @Test("additions after the run are refused")
    func late() async throws {
        let queue = queue()
        try await run(queue)
        add("late", to: queue, .sync {})
        #expect(log.entries.map(\.level) == [.error])
    }
}
