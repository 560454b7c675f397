import HTTPTypes
import Logging
import PostludeManifest
import PostludeSystem
import Testing

@testable import Postlude

@Suite("How a request's end decides about its tasks")
struct TaskFinalizingTests {
    private let log = RecordedLog()

    private func queue() -> TaskQueue {
        TaskQueue(of: RequestIdentity(id: "r1", route: "/a"), limits: .init(), logger: log.logger)
    }

    private func outcome(_ status: HTTPResponse.Status = .ok, thrown: Bool = false) -> RequestOutcome {
        RequestOutcome(hasThrown: thrown, status: status, isDelivered: true)
    }

    private func task(_ name: String, _ condition: TaskCondition = .handlerReturned) -> BackgroundTask {
        BackgroundTask(name: name, options: TaskOptions(condition: condition), function: .sync {})
    }

    @Test(
        "a handler that throws drops its tasks, and the log counts and names them; those for any result run")
    func thrown() {
        let queue = queue()
        let handles = [task("1"), task("2", .always), task("3", .failure), task("4", .success)].map {
            queue.add($0)
        }
        #expect(queue.finalize(outcome(.internalServerError, thrown: true)))
        #expect(queue.unfinishedNames == ["2", "3"])
        #expect(handles.map(\.state) == [.dropped, .queued, .queued, .dropped])
        #expect(log.entries.map(\.message) == ["handler failed, its tasks were dropped"])
        #expect(log.entries[0].level == .warning)
        #expect(log.entries[0].metadata == ["request": "r1", "route": "/a", "count": "2", "tasks": "1, 4"])
    }

    @Test("if no task is left, none can be added")
    func none() {
        let queue = queue()
        queue.add(task("1"))
        #expect(!queue.finalize(outcome(.internalServerError, thrown: true)))
        let late = queue.add(task("late", .always))
        #expect(queue.unfinishedNames == [])
        #expect(late.state == .dropped)
        #expect(log.entries.last?.level == .error)
    }

    @Test("a queue that was never used ends with its request, and refuses later additions")
    func unused() {
        let queue = queue()
        #expect(!queue.finalize(outcome()))
        queue.add(task("late"))
        #expect(log.entries.map(\.level) == [.error])
    }

    @Test("a condition that is not met is not a failure: it is logged at debug level")
    func unmet() {
        let queue = queue()
        queue.add(task("1", .failure))
        queue.add(task("2", .success))
        #expect(queue.finalize(outcome()))
        #expect(queue.unfinishedNames == ["2"])
        #expect(log.entries.map(\.level) == [.debug])
        #expect(log.entries[0].metadata["tasks"] == "1")
    }

    @Test("the members of a group have conditions of their own")
    func group() {
        let queue = queue()
        queue.add([task("1"), task("2", .failure), task("3", .always)], limit: 2)
        queue.add([task("4")], limit: 2)
        #expect(queue.finalize(outcome(thrown: true)))
        #expect(queue.unfinishedNames == ["2", "3"])
    }

    @Test("a task that a task adds depends on the same response")
    func addedByTask() {
        let queue = queue()
        queue.add(task("1", .always))
        #expect(queue.finalize(outcome(thrown: true)))
        #expect(queue.add(task("2", .success)).state == .dropped)
        #expect(queue.add(task("3", .failure)).state == .queued)
        #expect(queue.unfinishedNames == ["1", "3"])
    }

    @Test("a cancelled task does not count as dropped")
    func cancelled() {
        let queue = queue()
        let handle = queue.add(task("1"))
        #expect(handle.cancel())
        #expect(!handle.cancel() && handle.state == .cancelled)
        #expect(!queue.finalize(outcome(thrown: true)))
        #expect(log.entries.isEmpty)
    }

    @Test("thousands of dropped tasks are one line of bounded length")
    func bounded() {
        let queue = queue()
        for number in 0..<5_000 { queue.add(task("\(number)")) }
        _ = queue.finalize(outcome(thrown: true))
        #expect(log.entries.count == 1)
        #expect(log.entries[0].metadata["count"] == "5000")
        #expect((log.entries[0].metadata["tasks"]?.utf8.count ?? .max) < 1_000)
    }

    // MARK: The process's end

    @Test("at the end a hundred tasks are named, and the others counted")
    func left() {
        let registry = TaskRegistry()
        for number in 0..<60 {
            let queue = TaskQueue(
                of: RequestIdentity(id: "r\(number)", route: "/a"), limits: .init(), logger: log.logger,
                registry: registry)
            registry.insert(queue)
            queue.add(task("1"))
            queue.add([task("2"), task("3")], limit: 2)
        }
        registry.logUnfinished(to: log.logger)
        #expect(log.entries("task was left at the end").count == 100)
        #expect(log.entries.count == 101)
        #expect(log.entries.last?.metadata == ["count": "80"])
    }

    @Test("few tasks are all named")
    func fewLeft() {
        let registry = TaskRegistry()
        let queue = TaskQueue(
            of: RequestIdentity(id: "r1", route: "/a"), limits: .init(), logger: log.logger,
            registry: registry)
        registry.insert(queue)
        queue.add(task("1"))
        registry.logUnfinished(to: log.logger)
        #expect(log.entries.map { $0.metadata["task"] } == ["1"])
    }

    @Test("the control thread checks as often as the shortest deadline needs, within bounds")
    func tick() {
        let registry = TaskRegistry()
        #expect(registry.tickMilliseconds(1000) == 1000)
        registry.note(deadline: .seconds(2))
        #expect(registry.tickMilliseconds(1000) == 500)
        registry.note(deadline: .seconds(60))
        #expect(registry.tickMilliseconds(1000) == 500)
        registry.note(deadline: .seconds(-1))
        #expect(registry.tickMilliseconds(1000) == 10)
    }
}
