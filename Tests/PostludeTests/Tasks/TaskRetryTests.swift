import Logging
import PostludeManifest
import PostludeSystem
import PostludeThreads
import Testing

@testable import Postlude

@Suite("Retries")
struct TaskRetryTests {
    struct Spill: Error {}

    private let fixture = TaskQueueFixture()
    private let record = Record<String>()

    /// A task that fails until its attempt of this number.
    private func task(
        _ name: String, failingUntil success: Int = 1, attempts: Int = 3, stopOnFailure: Bool = false,
        isAsync: Bool = false
    ) -> BackgroundTask {
        let options = TaskOptions(
            retry: RetryPolicy(attempts: attempts, delay: .seconds(1), jitter: 0),
            stopOnFailure: stopOnFailure)
        let call: @Sendable () throws -> Void = { [record] in
            let attempt = TaskContext.current?.attempt ?? 0
            record.append("\(name) \(attempt)")
            if attempt < success { throw Spill() }
        }
        return BackgroundTask(
            name: name, options: options,
            function: isAsync
                ? .async {
                    await Task.yield()
                    try call()
                } : .sync(call))
    }

    @Test(
        "a failed task is retried when its time has come, and the tasks after it wait",
        arguments: [false, true])
    func order(isAsync: Bool) async throws {
        let queue = fixture.queue()
        let handle = queue.add(task("1", failingUntil: 3, isAsync: isAsync))
        queue.add(task("2"))
        #expect(try await fixture.run(queue, at: 0) == .due(1000))
        #expect(handle.state == .waiting)
        #expect(record.entries == ["1 1"])
        #expect(queue.unfinishedNames == ["1", "2"])
        #expect(try await fixture.run(queue, at: 999) == .due(1000))
        #expect(record.entries == ["1 1"])
        #expect(try await fixture.run(queue, at: 1000) == .due(3000))
        #expect(try await fixture.run(queue, at: 3000) == .over)
        #expect(record.entries == ["1 1", "1 2", "1 3", "2 1"])
        #expect(handle.state == .done)
        #expect(fixture.failures.entries.isEmpty)
        #expect(
            fixture.log.entries.map(\.message) == [
                "task failed, and is retried", "task failed, and is retried", "task done",
                "task done",
            ])
        #expect(fixture.log.entries[0].level == .warning)
        #expect(fixture.log.entries[0].metadata["attempt"] == "1 of 3")
        #expect(fixture.log.entries[1].metadata["delay"] == "2000.0 ms")
    }

    @Test("after the last attempt the task has failed for good: the hook is called, and the next one runs")
    func limit() async throws {
        let queue = fixture.queue()
        let handle = queue.add(task("1", failingUntil: 9, attempts: 2))
        queue.add(task("2"))
        try await fixture.run(queue, at: 0)
        #expect(fixture.failures.entries.isEmpty)
        #expect(try await fixture.run(queue, at: 5000) == .over)
        #expect(record.entries == ["1 1", "1 2", "2 1"])
        #expect(handle.state == .failed)
        let failure = try #require(fixture.failures.entries.first)
        #expect(fixture.failures.entries.count == 1)
        #expect(failure.taskName == "1" && failure.attempts == 2)
        #expect(failure.requestID == "r1" && failure.route == "/a" && failure.error is Spill)
        #expect(fixture.log.entries("task failed").first?.metadata["attempts"] == "2")
    }

    @Test("a task that waits for its next attempt can be cancelled, and the queue continues")
    func cancel() async throws {
        let queue = fixture.queue()
        let handle = queue.add(task("1", failingUntil: 9))
        queue.add(task("2"))
        try await fixture.run(queue, at: 0)
        #expect(handle.cancel())
        #expect(queue.unfinishedNames == ["2"])
        #expect(try await fixture.run(queue, at: 1000) == .over)
        #expect(record.entries == ["1 1", "2 1"])
        #expect(fixture.failures.entries.isEmpty)
    }

    @Test("a task that was cancelled before its start does not run")
    func cancelBefore() async throws {
        let queue = fixture.queue()
        let first = queue.add(task("1"))
        let second = queue.add(task("2"))
        #expect(first.cancel())
        #expect(try await fixture.run(queue, at: 0) == .over)
        #expect(record.entries == ["2 1"])
        #expect(!second.cancel() && second.state == .done && first.state == .cancelled)
    }

    @Test(
        "stopOnFailure drops the tasks after one that has failed for good, and later additions",
        arguments: [false, true])
    func stop(ofQueue: Bool) async throws {
        let queue = fixture.queue()
        if ofQueue { queue.stopOnFailure() }
        queue.add(task("1", failingUntil: 2, attempts: 2, stopOnFailure: !ofQueue))
        queue.add(task("2", failingUntil: 9, attempts: 1, stopOnFailure: !ofQueue))
        let third = queue.add(task("3"))
        queue.add([task("4"), task("5")], limit: 2)
        try await fixture.run(queue, at: 0)
        #expect(try await fixture.run(queue, at: 1000) == .over)
        #expect(record.entries == ["1 1", "1 2", "2 1"])
        #expect(third.state == .dropped)
        let line = try #require(fixture.log.entries("a task failed, the tasks after it were dropped").first)
        #expect(line.metadata["count"] == "3" && line.metadata["tasks"] == "3, 4, 5")
    }

    @Test("members of a group are retried beside each other, and the next task waits for all of them")
    func group() async throws {
        let queue = fixture.queue()
        queue.add([task("1", failingUntil: 2), task("2"), task("3", failingUntil: 2)], limit: 2)
        queue.add(task("4"))
        #expect(try await fixture.run(queue, at: 0) == .due(1000))
        #expect(record.entries.sorted() == ["1 1", "2 1", "3 1"])
        #expect(try await fixture.run(queue, at: 1000) == .over)
        #expect(record.entries.dropFirst(3).dropLast().sorted() == ["1 2", "3 2"])
        #expect(record.entries.last == "4 1")
    }

    @Test("a retry after the end of the grace does not run: the log names it, and the next task runs")
    func grace() async throws {
        let queue = fixture.queue()
        queue.add(task("1", failingUntil: 9))
        queue.add(task("2", failingUntil: 9))
        try await fixture.run(queue, at: 0)
        fixture.registry.setGraceEnd(MonotonicTime(nanoseconds: 500_000_000))
        #expect(try await fixture.run(queue, at: 10) == .over)
        #expect(record.entries == ["1 1", "2 1"])
        #expect(fixture.failures.entries.map(\.taskName) == ["1", "2"])
        let line = try #require(
            fixture.log.entries("task failed, the process ends before its next attempt").first)
        #expect(line.level == .error && line.metadata["task"] == "1" && line.metadata["error"] == "Spill()")
        #expect(fixture.log.entries("task failed").map { $0.metadata["task"] } == ["2"])
    }

    @Test("a retry within the grace runs")
    func withinGrace() async throws {
        let queue = fixture.queue()
        queue.add(task("1", failingUntil: 2))
        try await fixture.run(queue, at: 0)
        fixture.registry.setGraceEnd(MonotonicTime(nanoseconds: 1_500_000_000))
        #expect(try await fixture.run(queue, at: 10) == .due(1000))
        #expect(try await fixture.run(queue, at: 1000) == .over)
        #expect(record.entries == ["1 1", "1 2"])
    }

    @Test("the request's resources are kept while a task waits, and released after the last one")
    func kept() async throws {
        final class Upload: Sendable {}
        let queue = fixture.queue()
        var upload: Upload? = Upload()
        weak let weakUpload = upload
        queue.keepAlive([upload].compactMap { $0 })
        upload = nil
        queue.add(task("1", failingUntil: 2))
        try await fixture.run(queue, at: 0)
        #expect(weakUpload != nil)
        try await fixture.run(queue, at: 1000)
        #expect(weakUpload == nil)
    }
}
