import PostludeSystem
import Testing

@testable import Postlude

@Suite("EventStreams", .timeLimit(.minutes(10)))
struct EventStreamsTests {
    private let channel = EventChannel()
    private let tasks = Record<String>()

    /// A server with one worker.
    private func fixture(_ settings: String = "") throws -> ServerFixture {
        let (channel, tasks) = (channel, tasks)
        return try ServerFixture(
            """
            workers: { min: 1, max: 1 }
            \(settings)
            routes:
              - { path: /events, method: GET, handler: follow }
              - { path: /hello, method: GET, handler: hello }
            """,
            [
                Handler("follow") { (background: BackgroundTasks) -> Response in
                    background.add(named: "followed") { tasks.append("followed") }
                    return .events(from: channel)
                },
                Handler("hello") { "hello" },
            ])
    }

    @Test("a stream holds no worker, its request's tasks run at once, and it ends with its channel")
    func worker() async throws {
        let fixture = try fixture()
        let (channel, tasks) = (channel, tasks)
        let status = try await fixture.serve {
            let streams = try (0..<3).map { _ in
                let stream = try fixture.connect()
                try stream.send(.get("/events"))
                let head = try stream.output()
                #expect(head.hasPrefix("Status: 200 OK\r\nContent-Type: text/event-stream\r\n"))
                return stream
            }
            // The only worker has no other request before its tasks are done.
            let other = try fixture.connect()
            try other.send(.get("/hello"))
            #expect(try other.response().contains("hello"))
            #expect(tasks.entries == ["followed", "followed", "followed"])
            channel.publish(ServerSentEvent(data: "1", id: "1"))
            channel.finish()
            for stream in streams {
                let response = try stream.response()
                #expect(response == "id: 1\ndata: 1\n\n")
                // The connection takes the next request.
                try stream.send(.get("/hello"))
                #expect(try stream.response().contains("hello"))
            }
            // A client that has got everything does not come again.
            let again = try fixture.connect()
            var request = RequestFixture.get("/events")
            request.parameters = [("HTTP_LAST_EVENT_ID", "1")]
            try again.send(request)
            #expect(try again.response().hasPrefix("Status: 204 "))
        }
        #expect(status == 0)
    }

    @Test("one stream more than the limit is answered 503, and its tasks do not run")
    func limit() async throws {
        let fixture = try fixture("limits: { event-streams: 1 }")
        let (channel, tasks) = (channel, tasks)
        try await fixture.serve {
            let first = try fixture.connect()
            try first.send(.get("/events"))
            _ = try first.output()
            let second = try fixture.connect()
            try second.send(.get("/events"))
            let refused = try second.response()
            #expect(refused.hasPrefix("Status: 503 ") && refused.contains("Retry-After: 5\r\n"))
            #expect(tasks.entries == ["followed"])
            // HEAD opens none.
            var head = RequestFixture.get("/events")
            head.method = "HEAD"
            try second.send(head)
            #expect(try second.response().hasPrefix("Status: 200 "))
            channel.finish()
            _ = try first.response()
        }
    }

    @Test("a process that stops ends its streams as complete responses")
    func stop() async throws {
        let fixture = try fixture()
        let stream = try fixture.connect()
        let status = try await fixture.serve {
            try stream.send(.get("/events"))
            _ = try stream.output()
        }
        #expect(status == 0)
        #expect(try stream.response().isEmpty)
    }
}
