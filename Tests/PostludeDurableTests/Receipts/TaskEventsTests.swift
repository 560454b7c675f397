import Foundation
import HTTPTypes
import Postlude
import PostludeDurable
import PostludeTesting
import Testing

@Suite("The handler of task events", .timeLimit(.minutes(5)))
struct TaskEventsTests {
    struct Charge: DurableTask {
        var order: Int

        func run(_ context: TaskContext) throws -> String {
            context.progress(0.5, "asking the bank")
            return "charge \(order)"
        }
    }

    struct Shop: Application {
        var handlers: Handlers {
            Handler("order") { (tasks: BackgroundTasks) throws -> [String] in
                [try tasks.enqueue(Charge(order: 1)).id, try tasks.enqueue(Charge(order: 2)).id]
            }
            Handler.durableTaskEvents()
        }

        var taskEngine: TaskEngine? { .durable { Charge.self } }
    }

    private func application() async throws -> TestApplication<Shop> {
        try await TestApplication(
            Shop(),
            manifest: """
                routes:
                  - { path: /order, method: POST, handler: order }
                  - { path: "/tasks/{ids}/events", method: GET, handler: task-events }
                """)
    }

    private func events(of text: String) -> (data: [String], ids: [String]) {
        let lines = text.split(separator: "\n")
        return (
            lines.filter { $0.hasPrefix("data: ") }.map { String($0.dropFirst(6)) },
            lines.filter { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
        )
    }

    @Test("The stream tells both tasks of a response to their end; after it, the answer is 204")
    func told() async throws {
        let app = try await application()
        let order = try await app.send(.post("/order"))
        let ids = try order.json([String].self)
        let target = "/tasks/\(ids.joined(separator: ","))/events"
        async let stream = app.send(.get(target))
        try await order.tasks.runAll()
        let response = try await stream
        #expect(response.headers[.contentType] == "text/event-stream")
        #expect(response.headers[.cacheControl] == "no-store")
        let (data, known) = events(of: response.text)
        for (number, id) in ids.enumerated() {
            let own = data.filter { $0.contains(id) }
            #expect(own.last?.contains("\"state\":\"done\"") == true)
            #expect(own.last?.contains("\"result\":\"charge \(number + 1)\"") == true)
            #expect(Set(own).count == own.count)
        }
        let last = try #require(known.last)
        let end = try await app.send(.get(target, headers: [.init("Last-Event-ID")!: last]))
        #expect(end.status == .noContent)
        // Another list of tasks has other ids: everything is told.
        let other = try await app.send(
            .get("/tasks/\(ids[1])/events", headers: [.init("Last-Event-ID")!: last]))
        #expect(events(of: other.text).data.count == 1)
    }

    @Test("Ids that are unknown, no ids, or too many are refused")
    func refused() async throws {
        let app = try await application()
        let unknown = "018f0000-0000-7000-8000-000000000000"
        for list in [unknown, "x", "\(unknown),x", ",", "%20"] {
            #expect(try await app.send(.get("/tasks/\(list)/events")).status == .notFound, "\(list)")
        }
        let many = Array(repeating: unknown, count: 33).joined(separator: ",")
        #expect(try await app.send(.get("/tasks/\(many)/events")).status == .badRequest)
        let long = String(repeating: "x", count: 2000)
        #expect(
            try await app.send(.get("/tasks/\(unknown)/events", headers: [.init("Last-Event-ID")!: long]))
                .status
                == .badRequest)
        // One that the client has followed was removed since.
        let removed = try await app.send(
            .get("/tasks/\(unknown)/events", headers: [.init("Last-Event-ID")!: "2l5l2nyfeqq5h"]))
        #expect(events(of: removed.text).data == [#"{"id":"\#(unknown)","state":"removed"}"#])
    }
}
