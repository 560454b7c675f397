import Foundation
import Postlude
import PostludeManifest
import PostludeSQLiteStore
import PostludeSystem
import PostludeTaskStore
import PostludeTesting
import Testing

@testable import PostludeDurable

/// Pausing and cancelling in code, and how a process follows it.
@Suite("Pause, resume and cancel in a process")
struct DurableControlTests {
    struct Render: DurableTask {
        var page: Int

        func run(_ context: TaskContext) async throws -> Int { page }
    }

    struct Charge: DurableTask {
        func run(_ context: TaskContext) async throws {}
    }

    struct Shop: Application {
        let tasks = DurableTasks()

        var handlers: Handlers {
            Handler("render") { (page: Path<Int>, tasks: BackgroundTasks) throws -> [String: String] in
                if page.value == 7 { tasks.stopOnFailure() }
                let id = try tasks.enqueue(Render(page: page.value), unique: "\(page.value)").id
                try tasks.enqueue(Charge())
                tasks.add(named: "ordinary") {}
                return ["id": id]
            }
            Handler.durableTaskStatus(showingErrors: true)
        }

        var taskEngine: TaskEngine? {
            .durable(tasks) {
                Render.self
                Charge.self
            }
        }
    }

    private static let manifest = """
        routes:
          - { path: "/render/{page}", method: POST, handler: render }
          - { path: "/tasks/{id}", method: GET, handler: task-status }
        """

    private struct Status: Decodable {
        var state: String
        var error: String?
    }

    private let app: TestApplication<Shop>
    private var tasks: DurableTasks { app.application.tasks }

    init() async throws { app = try await TestApplication(Shop(), manifest: Self.manifest) }

    private func render(_ page: Int) async throws -> (id: String, tasks: TestTasks) {
        let response = try await app.send(.post("/render/\(page)"))
        return (try #require(try response.json([String: String].self)["id"]), response.tasks)
    }

    private func status(_ id: String) async throws -> Status {
        try await app.send(.get("/tasks/\(id)")).json(Status.self)
    }

    @Test("A request's worker does not begin a task that was paused meanwhile; it runs when it is resumed")
    func paused() async throws {
        let (id, own) = try await render(1)
        #expect(try tasks.pause(.kind(Render.self), by: "ada"))
        #expect(try !tasks.pause(.kind(Render.self), by: "ada"))
        try await own.runAll()
        #expect(own.failures.isEmpty && own.queued.isEmpty, "the tasks after it have run")
        #expect(try await status(id).state == "waiting")
        #expect(try await app.dueTasks().isEmpty)
        #expect(try await app.dueTasks(skippingDelays: true).isEmpty)
        #expect(try tasks.resume(.kind(Render.self), by: "ada"))
        for each in try await app.dueTasks() { try await each.runAll() }
        #expect(try await status(id).state == "done")
    }

    @Test("The tasks that depend on a paused one wait with it, and ordinary ones are dropped")
    func pausedInOrder() async throws {
        let (id, own) = try await render(7)
        #expect(try tasks.pause(.key("7", of: Render.self), by: "ada"))
        try await own.runAll()
        #expect(own.failures.isEmpty && own.queued.isEmpty)
        #expect(try await app.dueTasks().isEmpty)
        #expect(try tasks.resume(.key("7", of: Render.self), by: "ada"))
        let due = try await app.dueTasks(skippingDelays: true)
        #expect(due.flatMap { $0.queued.map(\.name) } == ["Render", "Charge"])
        for each in due { try await each.runAll() }
        #expect(try await status(id).state == "done")
    }

    @Test("A task that waits for its worker is cancelled when its turn comes")
    func cancelled() async throws {
        let (id, own) = try await render(7)
        let (other, others) = try await render(2)
        #expect(try tasks.cancel(try #require(DurableTaskSelection.task(id)), by: "ada") == 1)
        #expect(try tasks.cancel(.key("none", of: Render.self), by: "ada") == 0)
        #expect(DurableTaskSelection.task("none") == nil)
        try await own.runAll()
        #expect(try await status(id).state == "cancelled")
        #expect(try await status(id).error == "cancelled by ada")
        #expect(own.failures.isEmpty && own.queued.isEmpty)
        #expect(try tasks.cancel(.kind(Render.self), by: "ada") == 1)
        try await others.runAll()
        #expect(try await status(other).state == "cancelled")
    }
}
