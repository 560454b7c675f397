import PostludeThreads
import Testing

@testable import Postlude

@Suite("BackgroundTasks")
struct BackgroundTasksTests {
    private struct Failure: Error {}

    private struct Mailer: Sendable {
        let record: Record<String>
        func send(_ text: String, to address: String) async throws { record.append("\(text) to \(address)") }
    }

    private let fixture = RequestFixture()

    /// Adds tasks as a handler does, and runs them as a worker does.
    ///
    /// - Returns: the log.
    private func run(_ add: @escaping @Sendable (BackgroundTasks) -> Void) async throws -> RecordedLog {
        let fixture = self.fixture
        return try await onThread {
            let request = try fixture.request()
            add(BackgroundTasks(request: request))
            guard let queue = request.storage.tasks.queue else { return fixture.log }
            TaskRunner(executor: WorkerExecutor(), logger: fixture.log.logger).run(queue)
            return fixture.log
        }
    }

    @Test("functions with their arguments, methods and closures, sync and async, run in order")
    func kinds() async throws {
        let record = Record<String>()
        let log = try await run { tasks in
            @Sendable func sync(_ number: Int, _ text: String) { record.append("\(number) \(text)") }
            @Sendable func async(_ number: Int, _ text: String?) async throws {
                await Task.yield()
                record.append("\(number) \(text ?? "nil")")
            }
            @Sendable func generic<Value: Sendable>(_ value: Value) { record.append("\(value)") }
            @Sendable func throwing() throws(Failure) { throw Failure() }
            tasks.add(sync, 1, "sync")
            tasks.add(async, 2, nil)
            tasks.add(generic, 3.5)
            tasks.add(throwing)
            tasks.add(Mailer(record: record).send, "mail", "a@b.example")
            tasks.add { record.append("closure") }
            tasks.add {
                await Task.yield()
                record.append("async closure")
            }
            tasks.add({ (text: String) in record.append(text) }, "closure with an argument")
            tasks.add { @MainActor in
                await Task.yield()
                record.append("main actor")
            }
        }
        #expect(
            record.entries == [
                "1 sync", "2 nil", "3.5", "mail to a@b.example", "closure", "async closure",
                "closure with an argument", "main actor",
            ])
        #expect(log.entries("task failed").count == 1)
        #expect(log.entries("task done").count == 8)
    }

    @Test("a task has the name that `named` gives, else the place where it was added")
    func names() async throws {
        let log = try await run { tasks in
            tasks.add(named: "audit") {}
            tasks.add {}
            tasks.add(named: nil) { await Task.yield() }
        }
        let names = log.entries.compactMap { $0.metadata["task"] }
        #expect(names.count == 3)
        #expect(names[0] == "audit")
        #expect(names[1].hasPrefix("PostludeTests/BackgroundTasksTests.swift:"))
        #expect(names[2].hasPrefix("PostludeTests/BackgroundTasksTests.swift:"))
        #expect(names[1] != names[2])
    }

    @Test("two inputs of one request add to one queue")
    func oneQueue() throws {
        let request = try fixture.request()
        #expect(request.storage.tasks.queue == nil)
        BackgroundTasks(request: request).add(named: "1") {}
        BackgroundTasks(request: request).add(named: "2") {}
        #expect(request.storage.tasks.queue?.unfinishedNames == ["1", "2"])
        #expect(fixture.registry.all.count == 1)
    }

    @Test("the queue has the request and the route")
    func identity() throws {
        var fixture = fixture
        fixture.parameters = [("REQUEST_ID", "abc")]
        let request = try fixture.request()
        _ = BackgroundTasks(request: request)
        #expect(request.storage.tasks.queue?.requestID == "abc")
        #expect(request.storage.tasks.queue?.route == "/{rest:path}")
    }

    @Test("a task can be inspected before it runs: its name and its arguments")
    func arguments() throws {
        let request = try fixture.request()
        let tasks = BackgroundTasks(request: request)
        @Sendable func process(_ item: Int, _ priority: String, _ note: String?) {}
        @Sendable func audit(_ id: String) async throws {}
        tasks.add(named: "process", process, 42, "high", nil)
        tasks.add(named: "audit", audit, "r1")
        tasks.add(named: "closure") {}
        tasks.group(named: "group") { group in group.add(named: "member", process, 1, "low", "x") }
        let queued = try #require(request.storage.tasks.queue?.queued)
        #expect(queued.map(\.name) == ["process", "audit", "closure", "group/member"])
        #expect(queued[0].arguments.count == 3)
        #expect(queued[0].arguments[0] as? Int == 42)
        #expect(queued[0].arguments[1] as? String == "high")
        #expect(queued[1].arguments.first as? String == "r1")
        #expect(queued[2].arguments.isEmpty)
        #expect(queued[3].arguments[2] as? String == "x")
    }

    @Test("options precede the function, in any combination")
    func options() async throws {
        let record = Record<String>()
        let log = try await run { tasks in
            @Sendable func report(_ text: String) { record.append(text) }
            tasks.add(when: .success, deadline: .seconds(5), retry: .init(attempts: 2), report, "1")
            tasks.add(named: "2", retry: .none, stopOnFailure: true) { record.append("2") }
            let handle = tasks.add(when: .always.andDelivered) { await Task.yield() }
            #expect(handle.cancel())
        }
        #expect(record.entries == ["1", "2"])
        #expect(log.entries("task done").count == 2)
    }
}
