import HTTPTypes
import Logging
import Postlude
import PostludeDurable
import PostludeTesting
import Testing

/// What an application's own tests see of its durable tasks.
@Suite("Durable tasks without a server")
struct OfflineDurableTests {
    struct Pay: DurableTask {
        var order: String
        var fails = false

        struct Declined: Error {}

        static var policy: DurablePolicy { DurablePolicy(retry: RetryPolicy(attempts: 2)) }

        func run(_ context: TaskContext) async throws -> String {
            if fails { throw Declined() }
            return "paid \(order)"
        }
    }

    struct Unnamed: DurableTask {
        func run(_ context: TaskContext) async throws {}
    }

    struct Shop: Application {
        var handlers: Handlers {
            Handler("order") { (order: Path<String>, tasks: BackgroundTasks) throws -> [String: String] in
                [
                    "id": try tasks.add(
                        Pay(order: order.value, fails: order.value == "bad"), unique: order.value
                    ).id
                ]
            }
            Handler("unnamed") { (tasks: BackgroundTasks) throws in
                try tasks.add(Unnamed())
                return ["": ""]
            }
            Handler.durableTaskStatus()
        }

        var taskEngine: TaskEngine? { .durable { Pay.self } }
    }

    private static let manifest = """
        routes:
          - { path: "/orders/{order}", method: POST, handler: order }
          - { path: /unnamed, method: POST, handler: unnamed }
          - { path: "/tasks/{id}", method: GET, handler: task-status }
        """

    private func application() async throws -> TestApplication<Shop> {
        try await TestApplication(Shop(), manifest: Self.manifest)
    }

    private struct Status: Decodable {
        var state: String
        var result: String?
    }

    @Test("they are queued with the response, run when the test says so, and their status can be asked for")
    func run() async throws {
        let shop = try await application()
        let response = try await shop.send(.post("/orders/7"))
        let id = try #require(try response.json([String: String].self)["id"])
        #expect(response.headers[try #require(HTTPField.Name("Task-Id"))] == id)
        #expect(response.tasks.queued.map(\.name) == ["Pay"])
        #expect((response.tasks.queued.first?.arguments.first as? Pay)?.order == "7")
        #expect(try await shop.send(.get("/tasks/\(id)")).json(Status.self).state == "waiting")
        try await response.tasks.runAll()
        let status = try await shop.send(.get("/tasks/\(id)")).json(Status.self)
        #expect(status.state == "done" && status.result == "paid 7")
    }

    @Test("a unique key stands for one task until that is over")
    func unique() async throws {
        let shop = try await application()
        let first = try await shop.send(.post("/orders/7"))
        let second = try await shop.send(.post("/orders/7"))
        #expect(try first.json([String: String].self) == second.json([String: String].self))
        #expect(second.tasks.queued.isEmpty)
        try await first.tasks.runAll()
        let third = try await shop.send(.post("/orders/7"))
        #expect(try first.json([String: String].self) != third.json([String: String].self))
    }

    @Test("one that fails for good is a dead letter")
    func failed() async throws {
        let shop = try await application()
        let response = try await shop.send(.post("/orders/bad"))
        try await response.tasks.runAll()
        #expect(response.tasks.failures.map(\.attempts) == [2])
        let id = try #require(try response.json([String: String].self)["id"])
        #expect(try await shop.send(.get("/tasks/\(id)")).json(Status.self).state == "failed")
    }

    @Test("after a crash they wait, for whom an ordinary task would be lost")
    func crash() async throws {
        let shop = try await application()
        let response = try await shop.send(.post("/orders/7"))
        let id = try #require(try response.json([String: String].self)["id"])
        #expect(try await response.tasks.crash(after: 0).map(\.name) == ["Pay"])
        #expect(try await shop.send(.get("/tasks/\(id)")).json(Status.self).state == "waiting")
    }

    @Test("a kind that the engine does not name cannot be added")
    func unnamed() async throws {
        let shop = try await application()
        #expect(try await shop.send(.post("/unnamed")).status == .internalServerError)
    }
}
