import Foundation
import Logging
import PostludeManifest
import PostludeSystem
import Synchronization
import Testing

@testable import Postlude

@Suite("TaskWorkerPool") struct TaskWorkerPoolTests {
    private struct Failure: Error {}

    /// A task that fails a given number of times, and waits for its gate.
    private final class Job: PersistedTask {
        let id = "id"
        let name: String
        let arguments: [any Sendable] = []
        let deadline: Duration?
        let retry: RetryPolicy
        let earlierAttempts = 0
        let runsHere = true
        private let failures: Int
        private let isEndless: Bool
        private let gate: EventDescriptor?
        let events: Events

        init(
            _ name: String, events: Events, failures: Int = 0, isEndless: Bool = false,
            deadline: Duration? = nil, gate: EventDescriptor? = nil, retryDelay: Duration = .milliseconds(1)
        ) {
            self.name = name
            self.events = events
            self.failures = failures
            self.isEndless = isEndless
            self.deadline = deadline
            self.gate = gate
            retry = RetryPolicy(attempts: 3, delay: retryDelay, jitter: 0)
        }

        func run() async throws {
            events.add("\(name) runs")
            if let gate { waitForInput([gate.descriptor], milliseconds: -1) }
            if TaskContext.current?.attempt ?? 0 <= failures { throw Failure() }
            if isEndless { try await Task.sleep(for: .seconds(60)) }
        }

        func beginAttempt() -> Bool { true }

        func ended(_ result: AttemptResult) {
            switch result {
            case .done: events.add("\(name) done")
            case .retried: events.add("\(name) retried")
            case .failed: events.add("\(name) failed")
            case .released: events.add("\(name) left")
            case .moved, .dropped, .stopped, .cancelled, .cutOff, .postponed, .discarded:
                events.add("\(name) otherwise")
            }
        }
    }

    private final class Events: Sendable {
        private let all = Lock<[String]>([])
        var list: [String] { all.withLock { $0 } }
        func add(_ event: String) { all.withLock { $0.append(event) } }
    }

    private let events = Events()

    private func pool(workers: Int, _ limits: Manifest.TaskLimits = .init()) throws -> TaskWorkerPool {
        let pool = TaskWorkerPool(
            for: "the application", limits: limits,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, taskFailed: { _ in })
        try pool.start(workers: workers)
        return pool
    }

    private func run(_ job: Job, by pool: TaskWorkerPool, notBefore time: MonotonicTime? = nil) {
        pool.run(job, of: TaskOrigin(requestID: "r", route: ""), notBefore: time) { [events] in
            events.add("\(job.name) over")
        }
    }

    private func waitUntil(_ what: String, _ condition: () -> Bool) throws {
        let end = ContinuousClock.now + .seconds(20)
        while !condition() {
            try #require(ContinuousClock.now < end, "\(what): \(events.list)")
            usleep(1_000)
        }
    }

    @Test("A task runs with its retries, and is concluded once") func retries() throws {
        let pool = try pool(workers: 1)
        run(Job("a", events: events, failures: 1), by: pool)
        try waitUntil("it is over") { events.list.contains("a over") }
        #expect(events.list == ["a runs", "a retried", "a runs", "a done", "a over"])
        run(Job("b", events: events, failures: 3), by: pool)
        try waitUntil("it is over") { events.list.contains("b over") }
        #expect(events.list.suffix(2) == ["b failed", "b over"])
        #expect(pool.isIdle)
        pool.drain(until: .now)
    }

    @Test("While one waits for its next attempt or its time, others run") func delayed() throws {
        let pool = try pool(workers: 1)
        run(Job("later", events: events), by: pool, notBefore: .now + .milliseconds(50))
        run(Job("now", events: events), by: pool)
        try waitUntil("both are over") { events.list.contains("later over") }
        #expect(
            events.list == ["now runs", "now done", "now over", "later runs", "later done", "later over"])
        pool.drain(until: .now)
    }

    @Test("Draining leaves tasks that have not begun and finishes running ones; no more tasks are taken")
    func draining()
        throws
    {
        let pool = try pool(workers: 1)
        run(Job("endless", events: events, isEndless: true, deadline: .milliseconds(300)), by: pool)
        try waitUntil("it runs") { events.list == ["endless runs"] }
        run(Job("waiting", events: events), by: pool)
        run(Job("later", events: events), by: pool, notBefore: .now + .seconds(60))
        pool.drain(until: .now + .milliseconds(1))
        #expect(events.list.dropFirst() == ["waiting left", "waiting over", "later left", "later over"])
        #expect(!pool.isIdle)
        run(Job("late", events: events), by: pool)
        #expect(events.list.suffix(2) == ["late left", "late over"])
        // Its deadline cancels it, and there is no time for another attempt.
        try waitUntil("it is over") {
            pool.checkTimeLimits { _ in }
            return events.list.contains("endless over")
        }
        #expect(events.list.suffix(2) == ["endless left", "endless over"])
        #expect(pool.isIdle)
    }

    @Test("A request of which a task runs goes on with its later tasks, until one has to be retried")
    func drainingRequest() throws {
        let pool = try pool(workers: 1)
        let gate = try EventDescriptor()
        let tasks = [
            Job("first", events: events, gate: gate), Job("second", events: events),
            Job("third", events: events, failures: 1, retryDelay: .seconds(10)),
            Job("fourth", events: events),
        ]
        pool.post(tasks, of: TaskOrigin(requestID: "r", route: "")) { [events] in events.add("over") }
        try waitUntil("it runs") { events.list == ["first runs"] }
        pool.drain(until: .now + .seconds(60))
        gate.signal()
        try waitUntil("it is over") { events.list.last == "over" }
        #expect(
            events.list == [
                "first runs", "first done", "second runs", "second done", "third runs", "third retried",
                "third left", "fourth left", "over",
            ])
        #expect(pool.isIdle)
    }

    @Test("A worker past tasks.kill-time makes its process be replaced") func killTime() throws {
        var limits = Manifest.TaskLimits()
        limits.killTime = .milliseconds(20)
        let pool = try pool(workers: 1, limits)
        #expect(pool.tickMilliseconds == 10)
        run(Job("endless", events: events, isEndless: true, deadline: .milliseconds(200)), by: pool)
        let reason = Lock<String?>(nil)
        try waitUntil("it is past its time") {
            pool.checkTimeLimits { text in reason.withLock { $0 = text } }
            return reason.withLock { $0 != nil }
        }
        #expect(reason.withLock { $0 } == "task endless is past tasks.kill-time")
        pool.drain(until: .now)
    }
}
