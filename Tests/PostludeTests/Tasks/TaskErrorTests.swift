import Logging
import PostludeManifest
import PostludeSystem
import PostludeThreads
import Testing

@testable import Postlude

@Suite("What a task's error means")
struct TaskErrorTests {
    private struct NotFound: Error, CustomStringConvertible { let description = "not found" }
    private struct BadRequest: Error {}
    private struct Busy: Error {}
    private class Outage: Error, @unchecked Sendable {}
    private final class ShortOutage: Outage, @unchecked Sendable {}

    private let fixture = TaskQueueFixture()
    private let record = Record<String>()

    /// A task that throws these errors, one in each call, and then succeeds.
    private func task(
        _ name: String, throwing errors: [any Error] = [], stopOnFailure: Bool = false,
        onError: [TaskErrorRule] = []
    ) -> BackgroundTask {
        let options = TaskOptions(
            retry: RetryPolicy(attempts: 2, delay: .seconds(1), jitter: 0, onError: onError),
            stopOnFailure: stopOnFailure)
        let calls = Record<Int>()
        return BackgroundTask(
            name: name, options: options,
            function: .sync { [record] in
                let attempt = TaskContext.current?.attempt ?? 0
                record.append("\(name) \(attempt)")
                let call = calls.entries.count
                calls.append(attempt)
                if call < errors.count { throw errors[call] }
            })
    }

    @Test(
        "a task that discards itself is dropped with its reason, and has not failed",
        arguments: [false, true])
    func discard(stops: Bool) async throws {
        let queue = fixture.queue()
        let handle = queue.add(
            task("1", throwing: [TaskError.discard("the address is gone")], stopOnFailure: stops))
        let next = queue.add(task("2"))
        #expect(try await fixture.run(queue, at: 0) == .over)
        #expect(handle.state == .dropped && next.state == (stops ? .dropped : .done))
        #expect(record.entries == (stops ? ["1 1"] : ["1 1", "2 1"]))
        #expect(fixture.failures.entries.isEmpty)
        #expect(
            fixture.log.entries("task discarded itself").map { $0.metadata["reason"] } == [
                "the address is gone"
            ])
        let reason = "a task discarded itself, the tasks after it were dropped"
        #expect(fixture.log.entries(reason).count == (stops ? 1 : 0))
    }

    @Test("snoozing costs no attempt, however often, and the tasks after it wait")
    func snooze() async throws {
        let queue = fixture.queue()
        let snooze = TaskError.snooze(for: .seconds(60))
        let handle = queue.add(task("1", throwing: [snooze, snooze, snooze, Busy(), snooze]))
        queue.add(task("2"))
        for minute in 0..<3 {
            #expect(
                try await fixture.run(queue, at: Int64(minute) * 60_000) == .due(Int64(minute + 1) * 60_000))
        }
        // A failure after that is the first one.
        #expect(try await fixture.run(queue, at: 180_000) == .due(181_000))
        #expect(handle.state == .waiting)
        #expect(try await fixture.run(queue, at: 181_000) == .due(241_000))
        #expect(try await fixture.run(queue, at: 241_000) == .over)
        #expect(record.entries == ["1 1", "1 1", "1 1", "1 1", "1 2", "1 2", "2 1"])
        #expect(handle.state == .done)
        #expect(fixture.log.entries("task is postponed").count == 4)
    }

    @Test("a task can say when its next attempt follows, and that counts")
    func retry() async throws {
        let queue = fixture.queue()
        let retry = TaskError.retry(after: .seconds(30), "429")
        let handle = queue.add(task("1", throwing: [retry, retry]))
        #expect(try await fixture.run(queue, at: 0) == .due(30_000))
        #expect(try await fixture.run(queue, at: 30_000) == .over)
        #expect(handle.state == .failed && record.entries == ["1 1", "1 2"])
        #expect(fixture.failures.entries.map { "\($0.error)" } == ["429"])
        #expect(
            fixture.log.entries("task failed, and is retried").map { $0.metadata["delay"] } == ["30000.0 ms"])
    }

    @Test("a policy says what errors mean by their types; the first rule that applies counts")
    func rules() async throws {
        let rules: [TaskErrorRule] = [
            .discard(NotFound.self), .fail(BadRequest.self), .snooze(Busy.self, for: .seconds(5)),
            .retry(Outage.self, after: .seconds(9)), .fail(ShortOutage.self),
        ]
        let queue = fixture.queue()
        let discarded = queue.add(task("1", throwing: [NotFound()], onError: rules))
        let failed = queue.add(task("2", throwing: [BadRequest()], onError: rules))
        #expect(try await fixture.run(queue, at: 0) == .over)
        #expect(discarded.state == .dropped && failed.state == .failed)
        #expect(fixture.log.entries("task discarded itself").map { $0.metadata["reason"] } == ["not found"])
        let others = fixture.queue()
        others.add(task("3", throwing: [Busy(), ShortOutage(), NotFound()], onError: rules))
        #expect(try await fixture.run(others, at: 0) == .due(5_000))
        #expect(try await fixture.run(others, at: 5_000) == .due(14_000))
        #expect(try await fixture.run(others, at: 14_000) == .over)
        #expect(record.entries == ["1 1", "2 1", "3 1", "3 1", "3 2"])
    }

    @Test("policies with rules are equal if their rules are")
    func equality() {
        func policy(_ rules: TaskErrorRule...) -> RetryPolicy { RetryPolicy(attempts: 2, onError: rules) }
        #expect(policy(.fail(Busy.self)) == policy(.fail(Busy.self)))
        #expect(policy(.fail(Busy.self)) != policy(.discard(Busy.self)))
        #expect(policy(.fail(Busy.self)) != policy(.fail(NotFound.self)))
        #expect(Set([policy(.fail(Busy.self)), policy(.fail(Busy.self)), policy()]).count == 2)
    }

    @Test("a snooze beyond the end of the process fails an ordinary task")
    func grace() async throws {
        let queue = fixture.queue()
        let handle = queue.add(task("1", throwing: [TaskError.snooze(for: .seconds(60))]))
        fixture.registry.setGraceEnd(MonotonicTime(nanoseconds: 500_000_000))
        #expect(try await fixture.run(queue, at: 0) == .over)
        #expect(handle.state == .failed)
    }

    // MARK: Persisted tasks

    @Test(
        "a persisted task waits in its store: those after it do not wait, unless they depend on it",
        arguments: [false, true])
    func store(stops: Bool) async throws {
        let queue = fixture.queue(
            persisted: RecordedTask(
                "1", into: record, failures: 1, attempts: 3, stopsOnFailure: stops, waitsHere: false,
                error: TaskError.snooze(for: .seconds(60))),
            RecordedTask("2", into: record))
        let ordinary = queue.add(task("3"))
        #expect(try await fixture.run(queue, at: 0) == .over)
        let first = ["1 runs 1", "1 postponed for 60 s, does not count"]
        #expect(record.entries == first + (stops ? ["2 left"] : ["2 runs 1", "2 done", "3 1"]))
        #expect(ordinary.state == (stops ? .dropped : .done))
        #expect(fixture.failures.entries.isEmpty)
    }

    @Test("a persisted task that asks for another attempt gets it from its store, until none is left")
    func storedRetry() async throws {
        let error = TaskError.retry(after: .seconds(60))
        for (earlier, end) in [(0, "postponed for 60 s"), (1, "failed")] {
            let record = Record<String>()
            let queue = fixture.queue(
                persisted: RecordedTask(
                    "1", into: record, failures: 2, attempts: 2, earlierAttempts: earlier, waitsHere: false,
                    error: error))
            #expect(try await fixture.run(queue, at: 0) == .over)
            #expect(record.entries == ["1 runs \(earlier + 1)", "1 \(end)"])
        }
    }

    @Test("a persisted task that is interrupted by the end of its process is left, with those after it")
    func interrupted() async throws {
        let queue = fixture.queue(
            persisted: RecordedTask("1", into: record, failures: 1, error: CancellationError()),
            RecordedTask("2", into: record))
        fixture.registry.setGraceEnd(MonotonicTime(nanoseconds: 60_000_000_000))
        #expect(try await fixture.run(queue, at: 0) == .over)
        #expect(record.entries == ["1 runs 1", "1 left", "2 left"])
        #expect(fixture.log.entries.map(\.level) == [.info] && fixture.failures.entries.isEmpty)
    }

    @Test("while the process serves, the same error fails the attempt")
    func cancelled() async throws {
        let queue = fixture.queue(
            persisted: RecordedTask("1", into: record, failures: 1, error: CancellationError()))
        #expect(try await fixture.run(queue, at: 0) == .over)
        #expect(record.entries == ["1 runs 1", "1 failed"])
    }
}
