import Logging
import PostludeManifest
import PostludeSystem
import PostludeThreads
import Testing

@testable import Postlude

@Suite("Tasks that no request has added")
struct TaskDispatchTests {
    private let log = RecordedLog()
    private let events = Record<String>()
    private let registry = TaskRegistry()
    private let calls = Record<Int>()
    private let dispatch: TaskDispatch

    init() {
        let calls = calls
        dispatch = TaskDispatch(registry: registry, logger: log.logger) {
            Manifest.TaskLimits()
        } call: {
            calls.append(1)
        }
    }

    private func post(_ names: String...) {
        let tasks = names.map { RecordedTask($0, into: events) }
        dispatch.post(tasks, of: TaskOrigin(requestID: "r", route: "/a")) { [events] in events.append("over")
        }
    }

    @Test("a worker is called for each request, takes them in order, and runs them in order")
    func order() async throws {
        post("a", "b")
        post("c")
        #expect(calls.entries.count == 2)
        for _ in 1...2 {
            let queue = try #require(dispatch.nextPosted())
            #expect(queue.requestID == "r")
            let logger = log.logger
            _ = try await onThread { TaskRunner(executor: WorkerExecutor(), logger: logger).run(queue) }
            registry.remove(queue)
        }
        #expect(dispatch.nextPosted() == nil)
        #expect(
            events.entries == [
                "a runs 1", "a done", "b runs 1", "b done", "over", "c runs 1", "c done", "over",
            ])
    }

    @Test("requests that no worker has taken when the process stops are left, and so are later ones")
    func closed() {
        post("a")
        dispatch.close()
        #expect(dispatch.isClosed)
        post("b")
        #expect(calls.entries.count == 1)
        #expect(dispatch.nextPosted() == nil)
        #expect(events.entries == ["a left", "over", "b left", "over"])
        #expect(registry.all.isEmpty)
    }
}
