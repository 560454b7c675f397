import HTTPTypes
import Postlude
import PostludeCelery
import PostludeDurable
import PostludeTesting
import Testing

/// How an application's own tests see tasks for a broker.
@Suite("Tasks for a broker, without a broker") struct OfflineCeleryTests {
    struct Mail: DurableTask {
        var order: String

        static var policy: DurablePolicy { DurablePolicy(runs: .celery("mail")) }

        func run(_ context: TaskContext) async throws {}
    }

    struct Shop: Application {
        var handlers: Handlers {
            Handler("order") { (order: Path<String>, tasks: BackgroundTasks) throws -> [String: String] in
                try tasks.enqueue(Mail(order: order.value))
                try tasks.send(CeleryTask("app.resize", order.value), to: "images")
                return [:]
            }
            Handler("wrong") { (tasks: BackgroundTasks) throws -> [String: String] in
                try tasks.send(CeleryTask(""), to: "images")
                return [:]
            }
            Handler.durableTaskStatus()
        }

        var taskEngine: TaskEngine? { .durable(through: .celery) { Mail.self } }
    }

    private static let manifest = """
        celery: { broker: amqp://localhost }
        routes:
          - { path: "/orders/{order}", method: POST, handler: order }
          - { path: /wrong, method: POST, handler: wrong }
          - { path: "/tasks/{id}", method: GET, handler: task-status }
        """

    private struct Status: Decodable {
        var name: String
        var state: String
    }

    @Test("they are recorded, and are not among the tasks to run") func outgoing() async throws {
        let shop = try await TestApplication(Shop(), manifest: Self.manifest)
        let response = try await shop.send(.post("/orders/7"))
        #expect(response.tasks.queued.isEmpty)
        let field = try #require(HTTPField.Name("Task-Id"))
        let ids = try #require(response.headers[field])
        var names: [String] = []
        for id in ids.split(separator: ", ") {
            let status = try await shop.send(.get("/tasks/\(id)")).json(Status.self)
            #expect(status.state == "outgoing")
            names.append(status.name)
        }
        #expect(names == ["Mail", "app.resize"])
    }

    @Test("a task that no worker would accept is refused") func refused() async throws {
        let shop = try await TestApplication(Shop(), manifest: Self.manifest)
        #expect(try await shop.send(.post("/wrong")).status == .internalServerError)
    }
}
