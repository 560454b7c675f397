import Logging
import PostludeManifest
import PostludeSystem
import PostludeThreads
import Testing

@testable import Postlude

@Suite("Persisted tasks that an operator cancels")
struct TaskCancellationTests {
    private let log = RecordedLog()
    private let events = Record<String>()
    private let registry = TaskRegistry()

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

    private func queue(_ tasks: [any PersistedTask]) -> TaskQueue {
        let queue = TaskQueue(
            of: RequestIdentity(id: "r1", route: "/a"), limits: .init(), logger: log.logger,
            registry: registry)
        for stored in tasks {
            let task = BackgroundTask(stored)
            task.markPersisted()
            queue.add(task)
        }
        registry.insert(queue)
        return queue
    }

    private func run(_ queue: TaskQueue, at milliseconds: Int64 = 0) async throws -> TaskRunner.Progress {
        let logger = log.logger
        return try await onThread {
            var runner = TaskRunner(executor: WorkerExecutor(), logger: logger)
            runner.now = { MonotonicTime(nanoseconds: milliseconds * 1_000_000) }
            runner.random = { 0 }
            return runner.run(queue)
        }
    }

    @Test(
        "a running one is cancelled by Swift, ends as cancelled whatever it does, and is not retried",
        arguments: [true, false])
    func running(returns: Bool) async throws {
        let patient = Patient(events: events, returns: returns)
        let queue = queue([patient, RecordedTask("after", into: events)])
        async let progress = run(queue)
        await patient.begun.wait()
        registry.cancel(["other"])
        registry.cancel(["patient"])
        registry.cancel(["patient"])
        #expect(try await progress == .over)
        #expect(
            events.entries == ["cancelled true", "patient cancelled", "after stopped by patient patient"])
    }

    @Test("one that waits does not begin, and those that depend on it do not either")
    func waiting() async throws {
        let queue = queue([
            RecordedTask("a", into: events), RecordedTask("b", into: events, stopsOnFailure: true),
            RecordedTask("c", into: events),
        ])
        registry.cancel(["id-b"])
        #expect(events.entries == ["b cancelled"])
        #expect(try await run(queue) == .over)
        #expect(events.entries == ["b cancelled", "a runs 1", "a done", "c stopped by b id-b"])
    }

    @Test("one that waits for its next attempt makes none")
    func delayed() async throws {
        let queue = queue([
            RecordedTask("a", into: events, failures: 1, attempts: 2, stopsOnFailure: true),
            RecordedTask("b", into: events),
        ])
        guard case .waiting = try await run(queue) else { throw RecordedTask.Refused() }
        registry.cancel(["id-a"])
        #expect(try await run(queue) == .over)
        #expect(
            events.entries == [
                "a runs 1", "a retried after 1 s", "a cancelled", "b stopped by a id-a",
            ])
    }

    @Test("the tasks after one that is left, which depend on it, are left or dropped; others run")
    func left() async throws {
        let leaving = RecordedTask(
            "a", into: events, mayBegin: false, stopsOnFailure: true, isLeft: true)
        let queue = queue([leaving, RecordedTask("b", into: events)])
        let ordinary = BackgroundTask(name: "ordinary", function: .sync {})
        queue.add(ordinary)
        #expect(try await run(queue) == .over)
        #expect(events.entries == ["a may not begin", "b left"])
        #expect(ordinary.state == .dropped)
        let free = self.queue([
            RecordedTask("c", into: events, mayBegin: false, isLeft: true), RecordedTask("d", into: events),
        ])
        #expect(try await run(free) == .over)
        #expect(events.entries.suffix(3) == ["c may not begin", "d runs 1", "d done"])
    }
}
