import Logging
import PostludeManifest
import PostludeSystem
import PostludeThreads
import Synchronization
import Testing

@testable import Postlude

@Suite("Groups of tasks")
struct TaskGroupTests {
    private struct Spill: Error {}

    /// How many run at once, and the maximum so far.
    private final class Crowd: Sendable {
        let now = Atomic<Int>(0)
        let most = Atomic<Int>(0)
        func enter() { _ = most.max(now.add(1, ordering: .relaxed).newValue, ordering: .relaxed) }
        func leave() { now.subtract(1, ordering: .relaxed) }
    }

    private let log = RecordedLog()
    private let record = Record<String>()

    /// - Returns: the worker's thread.
    @discardableResult
    private func run(_ add: @escaping @Sendable (BackgroundTasks) -> Void) async throws -> UInt {
        var fixture = RequestFixture()
        fixture.log = log
        let immutable = fixture
        return try await onThread {
            let request = try immutable.request()
            add(BackgroundTasks(request: request))
            guard let queue = request.storage.tasks.queue else { return 0 }
            #expect(TaskRunner(executor: WorkerExecutor(), logger: immutable.log.logger).run(queue) == .over)
            return currentThread()
        }
    }

    @Test("members run beside each other: none ends before the others have begun", arguments: [false, true])
    func parallel(isAsync: Bool) async throws {
        let crowd = Crowd()
        try await run { [record] tasks in
            tasks.add { record.append("before") }
            tasks.group(limit: 3) { group in
                for _ in 0..<3 {
                    if isAsync {
                        group.add {
                            crowd.enter()
                            while crowd.now.load(ordering: .relaxed) < 3 { await Task.yield() }
                            record.append("member")
                        }
                    } else {
                        group.add {
                            crowd.enter()
                            while crowd.now.load(ordering: .relaxed) < 3 { waitForInput([], milliseconds: 1) }
                            record.append("member")
                        }
                    }
                }
            }
            tasks.add { record.append("after") }
        }
        #expect(record.entries == ["before", "member", "member", "member", "after"])
    }

    @Test("at most as many members as the limit run at once", arguments: [1, 2, 3])
    func bound(limit: Int) async throws {
        let crowd = Crowd()
        try await run { [record] tasks in
            tasks.group(limit: limit) { group in
                for number in 0..<8 {
                    group.add {
                        crowd.enter()
                        for _ in 0..<5 { await Task.yield() }
                        crowd.leave()
                        record.append("async \(number)")
                    }
                    group.add {
                        crowd.enter()
                        waitForInput([], milliseconds: 1)
                        crowd.leave()
                        record.append("sync \(number)")
                    }
                }
            }
        }
        #expect(record.entries.count == 16)
        #expect((1...limit).contains(crowd.most.load(ordering: .relaxed)))
    }

    @Test("async members stay on the worker's thread, synchronous ones have their own")
    func threads() async throws {
        let threads = Record<(isAsync: Bool, thread: UInt)>()
        let worker = try await run { tasks in
            tasks.group { group in
                for _ in 0..<3 {
                    group.add {
                        threads.append((true, currentThread()))
                        try await Task.sleep(for: .milliseconds(1))
                        threads.append((true, currentThread()))
                    }
                    group.add { threads.append((false, currentThread())) }
                }
            }
        }
        #expect(threads.entries.count == 9)
        #expect(threads.entries.allSatisfy { $0.isAsync == ($0.thread == worker) })
    }

    @Test("each failure is reported separately, under the group's name, and the next task runs")
    func failures() async throws {
        try await run { [record] tasks in
            tasks.group(named: "notify", limit: 2) { group in
                group.add(named: "mail") { throw Spill() }
                group.add(named: "hook") {
                    await Task.yield()
                    throw Spill()
                }
                group.add(named: "sms") { record.append("sms") }
            }
            tasks.add { record.append("after") }
        }
        #expect(record.entries == ["sms", "after"])
        let failed = log.entries("task failed")
        #expect(Set(failed.compactMap { $0.metadata["task"] }) == ["notify/mail", "notify/hook"])
        #expect(failed.allSatisfy { $0.metadata["error"] == "Spill()" })
    }

    @Test("members see their task and request, on any thread")
    func context() async throws {
        try await run { [record] tasks in
            tasks.group { group in
                group.add(named: "sync") { record.append(TaskContext.current?.taskName ?? "none") }
                group.add(named: "async") {
                    await Task.yield()
                    record.append(TaskContext.current?.taskName ?? "none")
                }
            }
        }
        #expect(record.entries.sorted() == ["async", "sync"])
    }

    @Test("a member past its deadline is cancelled, the others are not")
    func deadline() async throws {
        let queue = TaskQueue(of: RequestIdentity(id: "r1", route: "/a"), limits: .init(), logger: log.logger)
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let other = AsyncStream.makeStream(of: Void.self)
        queue.add(
            [
                BackgroundTask(
                    name: "endless", options: TaskOptions(deadline: .seconds(1)),
                    function: .async {
                        begin.yield()
                        try await Task.sleep(for: .seconds(86_400))
                    }),
                BackgroundTask(
                    name: "other",
                    function: .async { [record] in
                        for await _ in other.stream { break }
                        record.append("cancelled: \(Task.isCancelled)")
                    }),
            ], limit: 2)
        let logger = log.logger
        async let end = onThread { TaskRunner(executor: WorkerExecutor(), logger: logger).run(queue) }
        for await _ in begun { break }
        queue.check(at: .now + .seconds(2))
        // The task is reported as failed only after its cancellation has arrived.
        while log.entries("task failed").isEmpty { await Task.yield() }
        other.continuation.yield()
        _ = try await end
        #expect(record.entries == ["cancelled: false"])
        #expect(log.entries("task failed").map { $0.metadata["task"] } == ["endless"])
    }

    @Test("an empty group does nothing")
    func empty() async throws {
        try await run { [record] tasks in
            tasks.group { _ in }
            tasks.add { record.append("after") }
        }
        #expect(record.entries == ["after"])
    }
}
