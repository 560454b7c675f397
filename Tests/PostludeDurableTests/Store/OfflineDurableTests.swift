import Foundation
import HTTPTypes
import Logging
import Postlude
import PostludeDurable
import PostludeTesting
import Testing

/// How an application's own tests see its durable tasks.
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

    struct Ship: DurableTask {
        var order: String

        func run(_ context: TaskContext) async throws -> String { "shipped \(order)" }
    }

    struct Unnamed: DurableTask {
        func run(_ context: TaskContext) async throws {}
    }

    struct Shop: Application {
        var handlers: Handlers {
            Handler("order") { (order: Path<String>, tasks: BackgroundTasks) throws -> [String: String] in
                [
                    "id": try tasks.enqueue(
                        Pay(order: order.value, fails: order.value == "bad"), unique: order.value
                    ).id
                ]
            }
            Handler("unnamed") { (tasks: BackgroundTasks) throws in
                try tasks.enqueue(Unnamed())
                return ["": ""]
            }
            Handler("once") { (order: Path<String>, tasks: BackgroundTasks) throws -> Response in
                let isBad = order.value == "bad"
                try tasks.enqueue(
                    Pay(order: order.value, fails: isBad), unique: order.value, while: .stored,
                    stopOnFailure: true)
                try tasks.enqueue(Ship(order: order.value), unique: order.value, while: .stored)
                let persisted = try tasks.persist()
                #expect(
                    persisted.map(\.status.name) == ["Pay", "Ship"] && Set(persisted.map(\.isNew)).count == 1)
                if order.value == "lost" { throw HTTPError(.conflict) }
                return try .json(
                    persisted.map(\.status.state), status: persisted[0].isNew ? .accepted : .ok)
            }
            Handler.durableTaskStatus(showingErrors: true)
        }

        var taskEngine: TaskEngine? {
            .durable {
                Pay.self
                Ship.self
            }
        }
    }

    private static let manifest = """
        routes:
          - { path: "/orders/{order}", method: POST, handler: order }
          - { path: /unnamed, method: POST, handler: unnamed }
          - { path: "/once/{order}", method: POST, handler: once }
          - { path: "/tasks/{id}", method: GET, handler: task-status }
        """

    private func application() async throws -> TestApplication<Shop> {
        try await TestApplication(Shop(), manifest: Self.manifest)
    }

    private struct Status: Decodable {
        var state: String
        var result: String?
        var error: String?
    }

    @Test("they are queued with the response, run when the test asks for it, and their status can be read")
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

    @Test("a unique key stands for one task until the task is over")
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

    @Test("a task that is unique while it is persisted is found by the second request, in any state")
    func once() async throws {
        let shop = try await application()
        let first = try await shop.send(.post("/once/7"))
        let name = try #require(HTTPField.Name("Task-Id"))
        let ids = try #require(first.headers[name])
        #expect(try first.status == .accepted && first.json([String].self) == ["waiting", "waiting"])
        for states in [["waiting", "waiting"], ["done", "waiting"], ["done", "done"]] {
            let again = try await shop.send(.post("/once/7"))
            #expect(try again.status == .ok && again.json([String].self) == states)
            #expect(again.headers[name] == ids)
            #expect(again.tasks.queued.isEmpty)
            try await first.tasks.runNext()
        }
    }

    @Test("a persisted task runs although the handler throws afterwards")
    func persistedAndThrown() async throws {
        let shop = try await application()
        let response = try await shop.send(.post("/once/lost"))
        #expect(response.status == .conflict && response.tasks.queued.map(\.name) == ["Pay", "Ship"])
        try await response.tasks.runAll()
        #expect(try await shop.send(.post("/once/lost")).status == .conflict)
    }

    @Test("tasks that depend on a failed one become dead letters that name it")
    func stopped() async throws {
        let shop = try await application()
        let response = try await shop.send(.post("/once/bad"))
        let name = try #require(HTTPField.Name("Task-Id"))
        let ids = try #require(response.headers[name]).components(separatedBy: ", ")
        try await response.tasks.runAll()
        #expect(response.tasks.failures.map(\.taskName) == ["Pay"])
        let status = try await shop.send(.get("/tasks/\(ids[1])")).json(Status.self)
        #expect(status.state == "failed" && status.error == "the task Pay \(ids[0]) before it has failed")
        #expect(try await shop.send(.post("/once/bad")).json([String].self) == ["failed", "failed"])
    }

    @Test("a task that fails for good is a dead letter")
    func failed() async throws {
        let shop = try await application()
        let response = try await shop.send(.post("/orders/bad"))
        try await response.tasks.runAll()
        #expect(response.tasks.failures.map(\.attempts) == [2])
        let id = try #require(try response.json([String: String].self)["id"])
        #expect(try await shop.send(.get("/tasks/\(id)")).json(Status.self).state == "failed")
    }

    @Test("after a crash they wait, whereas ordinary tasks are lost")
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
