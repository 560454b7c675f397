import Logging
import PostludeManifest
import PostludeSystem
import PostludeThreads
import Testing

@testable import Postlude

@Suite("Persisted tasks that an operator cancels")
struct TaskCancellationTests {
    private let fixture = TaskQueueFixture()
    private let events = Record<String>()

    /// Runs until it is cancelled, and returns or throws then.
    private struct Patient: PersistedTask {
        let events: Record<String>
        let returns: Bool
        let begun = Signal()

        final class Signal: Sendable {
            let stream: AsyncStream<Void>
            private let continuation: AsyncStream<Void>.Continuation
            init() { (stream, continuation) = AsyncStream.makeStream() }
            func send() { continuation.finish() }
            func wait() async { for await _ in stream {} }
        }

        let id = "patient"
        let name = "patient"
        let arguments: [any Sendable] = []
        let deadline: Duration? = nil
        let retry = RetryPolicy(attempts: 5)
        let earlierAttempts = 0
        let runsHere = true
        let stopsOnFailure = true

        func run() async throws {
            begun.send()
            do {
                try await Task.sleep(for: .seconds(600))
            } catch {
                events.append("cancelled \(TaskContext.current?.isCancelled ?? false)")
                if !returns { throw error }
            }
        }

        func beginAttempt() -> Bool { true }

        func ended(_ result: AttemptResult) { events.append("patient \(result)") }
    }

    @Test(
        "a running one is cancelled by Swift, ends as cancelled whatever it does, and is not retried",
        arguments: [true, false])
    func running(returns: Bool) async throws {
        let patient = Patient(events: events, returns: returns)
        let queue = fixture.queue(persisted: patient, RecordedTask("after", into: events))
        async let progress = fixture.run(queue)
        await patient.begun.wait()
        fixture.registry.cancel(["other"])
        fixture.registry.cancel(["patient"])
        fixture.registry.cancel(["patient"])
        #expect(try await progress == .over)
        #expect(
            events.entries == ["cancelled true", "patient cancelled", "after stopped by patient patient"])
    }

    @Test("one that waits does not begin, and those that depend on it do not either")
    func waiting() async throws {
        let queue = fixture.queue(
            persisted: RecordedTask("a", into: events), RecordedTask("b", into: events, stopsOnFailure: true),
            RecordedTask("c", into: events))
        fixture.registry.cancel(["id-b"])
        #expect(events.entries == ["b cancelled"])
        #expect(try await fixture.run(queue) == .over)
        #expect(events.entries == ["b cancelled", "a runs 1", "a done", "c stopped by b id-b"])
    }

    @Test("one that waits for its next attempt makes none")
    func delayed() async throws {
        let queue = fixture.queue(
            persisted: RecordedTask("a", into: events, failures: 1, attempts: 2, stopsOnFailure: true),
            RecordedTask("b", into: events))
        guard case .waiting = try await fixture.run(queue) else { throw RecordedTask.Refused() }
        fixture.registry.cancel(["id-a"])
        #expect(try await fixture.run(queue) == .over)
        #expect(
            events.entries == [
                "a runs 1", "a retried after 1 s", "a cancelled", "b stopped by a id-a",
            ])
    }

    @Test("the tasks after one that is left, which depend on it, are left or dropped; others run")
    func left() async throws {
        let leaving = RecordedTask(
            "a", into: events, mayBegin: false, stopsOnFailure: true, isLeft: true)
        let queue = fixture.queue(persisted: leaving, RecordedTask("b", into: events))
        let ordinary = BackgroundTask(name: "ordinary", function: .sync {})
        queue.add(ordinary)
        #expect(try await fixture.run(queue) == .over)
        #expect(events.entries == ["a may not begin", "b left"])
        #expect(ordinary.state == .dropped)
        let free = fixture.queue(
            persisted: RecordedTask("c", into: events, mayBegin: false, isLeft: true),
            RecordedTask("d", into: events))
        #expect(try await fixture.run(free) == .over)
        #expect(events.entries.suffix(3) == ["c may not begin", "d runs 1", "d done"])
    }
}
