import HTTPTypes
import PostludeFastCGI
import PostludeLogOutput
import PostludeManifest
import PostludeRouting
import PostludeSystem
import PostludeThreads
import Testing

@testable import Postlude

@Suite("Worker", .timeLimit(.minutes(10)))
struct WorkerTests {
    /// Records the steps.
    private struct RecordedSink: ResponseSink {
        var steps: [String] = []
        var isWritable = true
        var isLate = false

        mutating func prepare() -> Bool {
            steps.append("prepare")
            return isWritable
        }

        mutating func watchHandler(of request: Request, by route: Router.Route) -> RequestCancellation? {
            steps.append("watch \(route.handler.name)")
            return nil
        }

        mutating func claimAnswer() -> Answerer {
            steps.append("claim")
            return isLate ? .controlThread(isDelivered: true, after: .seconds(1)) : .worker
        }

        mutating func persistTasks(of execution: RequestExecution, retryAfter: Duration) {
            steps.append("persist")
        }

        mutating func finish(_ execution: RequestExecution) -> Bool {
            steps.append("finish \(execution.response.status.code)")
            return true
        }

        mutating func giveBackConnection() { steps.append("give back") }

        mutating func accessRecord(of execution: RequestExecution) -> AccessRecord? {
            steps.append("record \(execution.response.status.code)")
            return nil
        }

        mutating func queue(_ tasks: TaskQueue) {
            steps.append("queue \(tasks.unfinishedNames.joined(separator: " "))")
        }

        mutating func end(_ execution: RequestExecution) { steps.append("end") }
    }

    private let calls = Record<String>()

    private func served(_ sink: RecordedSink, uri: String = "/a") async throws -> [String] {
        let calls = calls
        let fixture = try ServerFixture(
            "routes: [{ path: /a, method: GET, handler: a }]",
            [
                Handler("a") { (tasks: BackgroundTasks) in
                    calls.append("a")
                    tasks.add(named: "done") {}
                    tasks.add(named: "failed", when: .failure) {}
                    return "a"
                }
            ])
        return try await onThread {
            let generation = try fixture.generation()
            let head = try RequestFixture.get(uri).head()
            var sink = sink
            Worker.serve(
                head, BodySource([]), as: generation.router.resolve(head, using: try RouteMatcher()),
                by: generation, through: &sink, on: WorkerExecutor())
            return sink.steps
        }
    }

    @Test("persists tasks before it writes, and returns the connection before the tasks are queued")
    func steps() async throws {
        #expect(
            try await served(RecordedSink()) == [
                "prepare", "watch a", "claim", "persist", "finish 200", "give back", "record 200",
                "queue done",
            ])
        #expect(
            try await served(RecordedSink(), uri: "/b") == [
                "prepare", "claim", "persist", "finish 404", "give back", "record 404", "end",
            ])
    }

    @Test("writes nothing after the control thread has answered, and runs only tasks for a failure")
    func late() async throws {
        #expect(
            try await served(RecordedSink(isLate: true)) == [
                "prepare", "watch a", "claim", "record 504", "queue failed",
            ])
    }

    @Test("calls no handler whose response cannot be written")
    func unwritable() async throws {
        #expect(try await served(RecordedSink(isWritable: false)) == ["prepare"])
        #expect(calls.entries.isEmpty)
    }

    @Test("takes the next request of a connection while the tasks of the last one run")
    func tasks() async throws {
        let release = try EventDescriptor()
        let calls = calls
        let fixture = try ServerFixture(
            "workers: { min: 2, max: 2 }\nroutes: [{ path: /a, method: GET, handler: a }]",
            [
                Handler("a") { (tasks: BackgroundTasks) in
                    _ = tasks.add {
                        waitForInput([release.descriptor], milliseconds: 300_000)
                        calls.append("task")
                    }
                    return "a"
                }
            ])
        let status = try await fixture.serve {
            let connection = try fixture.connect()
            for _ in 0..<2 {
                try connection.send(.get("/a"))
                #expect(try connection.response().contains("Status: 200"))
                #expect(calls.entries.isEmpty)
            }
            release.signal()
        }
        #expect(status == 0 && calls.entries == ["task", "task"])
    }

    @Test("a request with a body is routed once, whether it is served or refused")
    func routedOnce() async throws {
        let fixture = try ServerFixture(
            "limits: { body: 4 }\nroutes: [{ path: /a, method: POST, handler: a }]", [Handler("a") {}])
        try await fixture.serve {
            let connection = try fixture.connect()
            var request = RequestFixture.post("{}")
            request.uri = "/%"
            try connection.send(request)
            #expect(try connection.response().contains("Status: 400"))
            #expect(fixture.log.entries("a path was refused").count == 1)
            request.uri = "/a"
            try connection.send(request)
            #expect(try connection.response().contains("Status: 204"))
            request.body = "{    }"
            try connection.send(request)
            #expect(try connection.response().contains("Status: 413"))
        }
        #expect(fixture.log.entries("a request was refused").count == 1)
    }
}
