import Logging
import PostludeManifest
import PostludeSystem
import PostludeThreads
import Testing

@testable import Postlude

@Suite("The request and task that code can see")
struct RequestScopeTests {
    private let log = RecordedLog()

    private func fixture(_ parameters: [(String, String)] = [("REQUEST_ID", "abc")]) -> RequestFixture {
        var fixture = RequestFixture()
        fixture.log = log
        fixture.parameters = parameters
        return fixture
    }

    /// Calls `body` as a handler is called.
    private func handle(_ body: @escaping @Sendable (Request, WorkerExecutor) -> Void) async throws {
        let fixture = fixture()
        try await onThread {
            let request = try fixture.request()
            let observability = Observability(logger: fixture.log.logger)
            observability.withCurrentLogger {
                RequestExecution(of: request, observability: observability).perform {
                    body(request, WorkerExecutor())
                }
            }
        }
    }

    @Test("a handler's logger has the request and its route")
    func handler() async throws {
        try await handle { _, _ in
            Logger.current.info("sync", metadata: ["own": "1"])
            #expect(RequestContext.current?.id == "abc")
            #expect(RequestContext.current?.route == "/{rest:path}")
            #expect(TaskContext.current == nil)
        }
        #expect(log.entries.map(\.metadata) == [["request": "abc", "route": "/{rest:path}", "own": "1"]])
        #expect(RequestContext.current == nil)
    }

    @Test("async code, its child tasks and unstructured ones see it, too; detached ones do not")
    func async() async throws {
        try await handle { _, executor in
            _ = executor.run {
                await Task.yield()
                Logger.current.info("async")
                async let child: Void = Logger.current.info("child")
                await child
                await Task { Logger.current.info("unstructured") }.value
                await Task.detached { #expect(RequestContext.current == nil) }.value
            }
        }
        #expect(log.entries.map(\.message) == ["async", "child", "unstructured"])
        #expect(log.entries.allSatisfy { $0.metadata["request"] == "abc" })
    }

    @Test("an entry's own metadata overrides the request's")
    func priority() async throws {
        try await handle { _, _ in Logger.current.info("entry", metadata: ["request": "mine"]) }
        #expect(log.entries[0].metadata["request"] == "mine")
    }

    @Test("a bound logger keeps its own level and metadata")
    func bound() async throws {
        try await handle { _, _ in
            var logger = Logger.current
            logger[metadataKey: "user"] = "ada"
            logger.logLevel = .warning
            logger.info("not written")
            logger.warning("written")
        }
        #expect(log.entries.map(\.message) == ["written"])
        #expect(log.entries[0].metadata["user"] == "ada" && log.entries[0].metadata["request"] == "abc")
    }

    @Test("a request without an id from the web server gets one, the same for every caller")
    func madeUp() async throws {
        let fixture = fixture([])
        try await onThread {
            let request = try fixture.request()
            RequestExecution(of: request, observability: Observability(logger: fixture.log.logger)).perform {
                let id = RequestContext.current?.id
                #expect(id?.count == 32)
                #expect(RequestContext.current?.id == id && request.id == id)
            }
        }
    }

    @Test("a task's logger and context have request, route, task and attempt", arguments: [false, true])
    func task(isAsync: Bool) async throws {
        let contexts = Record<String>()
        let fixture = fixture()
        let queue = try await onThread {
            let request = try fixture.request()
            let tasks = BackgroundTasks(request: request)
            @Sendable func work() {
                Logger.current.notice("working")
                guard let context = TaskContext.current else { return }
                contexts.append(
                    "\(context.requestID) \(context.route) \(context.taskName) \(context.attempt) "
                        + "\(context.isCancelled) \(RequestContext.current?.id ?? "")")
            }
            if isAsync {
                tasks.add(named: "work") {
                    await Task.yield()
                    work()
                }
            } else {
                tasks.add(named: "work", work)
            }
            let queue = request.storage.tasks.queue
            let runner = TaskRunner(executor: WorkerExecutor(), logger: fixture.log.logger)
            if let queue { runner.observability.withCurrentLogger { _ = runner.run(queue) } }
            return queue
        }
        #expect(queue != nil)
        #expect(contexts.entries == ["abc /{rest:path} work 1 false abc"])
        #expect(
            log.entries("working").map(\.metadata) == [
                ["request": "abc", "route": "/{rest:path}", "task": "work"]
            ])
    }

    @Test("a synchronous task can see that it is past its deadline")
    func cancelled() async throws {
        let queue = TaskQueue(of: RequestIdentity(id: "r1", route: "/"), limits: .init(), logger: log.logger)
        let record = Record<Bool>()
        queue.add(
            BackgroundTask(
                name: "slow", options: TaskOptions(deadline: .seconds(1)),
                function: .sync {
                    record.append(TaskContext.current?.isCancelled == true)
                    queue.check(at: .now + .seconds(2))
                    record.append(TaskContext.current?.isCancelled == true)
                }))
        let logger = log.logger
        _ = try await onThread { TaskRunner(executor: WorkerExecutor(), logger: logger).run(queue) }
        #expect(record.entries == [false, true])
    }

    @Test("the hook for failures knows the task, and may use the queue: the next task runs")
    func hook() async throws {
        struct Spill: Error {}
        let queue = TaskQueue(of: RequestIdentity(id: "r1", route: "/"), limits: .init(), logger: log.logger)
        let record = Record<String>()
        queue.add(BackgroundTask(name: "1", function: .sync { throw Spill() }))
        queue.add(BackgroundTask(name: "2", function: .sync { record.append("2") }))
        let logger = log.logger
        _ = try await onThread {
            let runner = TaskRunner(executor: WorkerExecutor(), logger: logger) { failure in
                record.append("hook \(failure.taskName) \(TaskContext.current?.taskName ?? "")")
                // The hook's use of the queue cannot cause a deadlock.
                _ = queue.unfinishedNames
                queue.check(at: .now + .seconds(86_400))
            }
            return runner.run(queue)
        }
        #expect(record.entries == ["hook 1 1", "2"])
    }
}
