import Logging
import PostludeManifest
import PostludeSystem
import PostludeThreads
import Testing

@testable import Postlude

@Suite("Results of persisted tasks")
struct PersistedTaskEndTests {
    private let fixture = TaskQueueFixture()
    private let events = Record<String>()

    @Test("each failure is reported, and attempts include those of other processes")
    func retried() async throws {
        let queue = fixture.queue(
            persisted: RecordedTask("a", into: events, failures: 9, attempts: 4, earlierAttempts: 2))
        try await fixture.run(queue, at: 0)
        #expect(events.entries == ["a runs 3", "a retried after 4 s"])
        #expect(try await fixture.run(queue, at: 4000) == .over)
        #expect(events.entries.suffix(2) == ["a runs 4", "a failed"])
    }

    @Test("attempts that ended with their process do not count as failures for the policy")
    func deathsApart() async throws {
        let queue = fixture.queue(
            persisted: RecordedTask(
                "a", into: events, failures: 9, attempts: 2, earlierAttempts: 2, earlierDeaths: 2))
        try await fixture.run(queue, at: 0)
        #expect(events.entries == ["a runs 3", "a retried after 1 s"])
        #expect(try await fixture.run(queue, at: 1000) == .over)
        #expect(events.entries.suffix(2) == ["a runs 4", "a failed"])
    }

    @Test("a task that this program cannot read is left with those after it, even if they depend on it")
    func unreadable() async throws {
        let queue = fixture.queue(
            persisted: RecordedTask("a", into: events),
            RecordedTask(
                "b", into: events, failures: 9, attempts: 4, stopsOnFailure: true,
                error: RecordedTask.Unreadable()),
            RecordedTask("c", into: events))
        #expect(try await fixture.run(queue, at: 0) == .over)
        #expect(
            events.entries == ["a runs 1", "a done", "b runs 1", "b left after an error", "c left"])
    }

    @Test("a task that can never succeed is not retried, whatever its policy")
    func permanent() async throws {
        let queue = fixture.queue(
            persisted: RecordedTask(
                "a", into: events, failures: 9, attempts: 5, error: RecordedTask.Hopeless()),
            RecordedTask("b", into: events))
        #expect(try await fixture.run(queue, at: 0) == .over)
        #expect(events.entries == ["a runs 1", "a failed", "b runs 1", "b done"])
    }

    @Test("a task past the kill time is blamed for the end of its process")
    func blamed() throws {
        var limits = Manifest.TaskLimits()
        limits.killTime = .seconds(5)
        let queue = fixture.queue(limits: limits)
        let task = BackgroundTask(RecordedTask("a", into: events))
        task.markPersisted()
        queue.add(task)
        _ = queue.next(at: MonotonicTime(nanoseconds: 0))
        var report = StackReport()
        queue.check(at: MonotonicTime(nanoseconds: 4_000_000_000), report: &report)
        #expect(events.entries.isEmpty)
        queue.check(at: MonotonicTime(nanoseconds: 5_000_000_000), report: &report)
        queue.check(at: MonotonicTime(nanoseconds: 6_000_000_000), report: &report)
        #expect(events.entries == ["a blamed"])
    }

    @Test("a cancelled task is reported")
    func takenBack() throws {
        let task = BackgroundTask(RecordedTask("a", into: events))
        task.markPersisted()
        let queue = fixture.queue()
        let handle = queue.add(task)
        #expect(handle.cancel())
        #expect(events.entries == ["a dropped"])
    }

    @Test("an attempt after the grace is left to the next process, with the tasks after it")
    func leftAtRetry() async throws {
        let queue = fixture.queue(
            persisted: RecordedTask("a", into: events, failures: 1, attempts: 3),
            RecordedTask("b", into: events))
        fixture.registry.setGraceEnd(MonotonicTime(nanoseconds: 500_000_000))
        #expect(try await fixture.run(queue, at: 0) == .over)
        #expect(events.entries == ["a runs 1", "a left after an error", "b left"])
        #expect(fixture.log.entries("task failed, and is left for the next start").count == 1)
    }

    @Test("a waiting task whose attempt is after a grace that begins later is left as well")
    func leftWhileDelayed() async throws {
        let queue = fixture.queue(
            persisted: RecordedTask("a", into: events, failures: 1, attempts: 3),
            RecordedTask("b", into: events))
        try await fixture.run(queue, at: 0)
        fixture.registry.setGraceEnd(MonotonicTime(nanoseconds: 500_000_000))
        #expect(try await fixture.run(queue, at: 100) == .over)
        #expect(events.entries == ["a runs 1", "a retried after 1 s", "a left", "b left"])
    }

    @Test("at the end, tasks that have not begun are left, and only ordinary ones are lost")
    func left() throws {
        let queue = fixture.queue(persisted: RecordedTask("a", into: events), RecordedTask("b", into: events))
        queue.add(BackgroundTask(name: "ordinary", options: TaskOptions(), function: .sync {}))
        #expect(fixture.registry.logUnfinished(to: fixture.log.logger) == 1)
        #expect(events.entries == ["a left", "b left"])
        #expect(fixture.log.entries("task was left at the end").map { $0.metadata["task"] } == ["ordinary"])
        #expect(
            fixture.log.entries("durable tasks are left for the next start").first?.metadata["count"] == "2")
    }
}
