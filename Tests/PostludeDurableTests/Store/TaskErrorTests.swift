import Foundation
import HTTPTypes
import Postlude
import PostludeDurable
import PostludeSystem
import PostludeTesting
import Testing

/// What errors of durable tasks mean, in an application's own tests.
@Suite("What a durable task's error means")
struct TaskErrorTests {
    struct Gone: Error {}

    struct Deliver: DurableTask {
        var to: String

        static var policy: DurablePolicy {
            DurablePolicy(retry: RetryPolicy(attempts: 2, onError: [.discard(Gone.self)]))
        }

        func run(_ context: TaskContext) async throws {
            let calls = try context.application(Shop.self).diary
            calls.note("\(to) \(context.attempt)")
            switch to {
            case "nobody": throw TaskError.discard("there is no such address")
            case "gone": throw Gone()
            case "later" where calls.entries.count < 4: throw TaskError.snooze(for: .seconds(3600))
            case "busy": throw TaskError.retry(after: .seconds(3600), "429")
            default: break
            }
        }
    }

    struct Shop: Application {
        let diary: IdempotencyTests.Diary

        init() { self.init(diary: IdempotencyTests.Diary()) }
        init(diary: IdempotencyTests.Diary) { self.diary = diary }

        var handlers: Handlers {
            Handler("deliver") { (to: Path<String>, tasks: BackgroundTasks) throws -> Response in
                try tasks.enqueue(Deliver(to: to.value), stopOnFailure: true)
                try tasks.enqueue(Deliver(to: "the next one"))
                return .text("accepted", status: .accepted)
            }
            Handler.durableTaskStatus(showingErrors: true)
        }

        var taskEngine: TaskEngine? { .durable { Deliver.self } }
    }

    private static let manifest = """
        routes:
          - { path: "/deliver/{to}", method: POST, handler: deliver }
          - { path: "/tasks/{id}", method: GET, handler: task-status }
        """

    private struct Status: Decodable {
        var state: DurableTaskStatus.State
        var attempts: Int
        var error: String?
    }

    private let diary = IdempotencyTests.Diary()

    /// Runs the tasks of a request, and returns their states.
    private func states(to: String) async throws -> (states: [Status], failures: Int) {
        let app = try await TestApplication(Shop(diary: diary), manifest: Self.manifest)
        let response = try await app.send(.post("/deliver/\(to)"))
        try await response.tasks.runAll()
        let name = try #require(HTTPField.Name("Task-Id"))
        let ids = try #require(response.headers[name]).split(separator: ",")
        var states: [Status] = []
        for id in ids {
            let path = "/tasks/\(id.trimmingCharacters(in: .whitespaces))"
            states.append(try await app.send(.get(path)).json(Status.self))
        }
        return (states, response.tasks.failures.count)
    }

    @Test(
        "A task that discards itself, or throws an error for which its policy does, discards those that depend on it"
    )
    func discard() async throws {
        for (to, error) in [("nobody", "there is no such address"), ("gone", "Gone()")] {
            let (states, failures) = try await states(to: to)
            #expect(states.map(\.state) == [.discarded, .discarded])
            #expect(states.first?.error == error && states.first?.attempts == 1)
            #expect(failures == 0)
        }
        #expect(diary.entries == ["nobody 1", "gone 1"])
    }

    @Test("A task that snoozes runs again, and has made no attempt")
    func snooze() async throws {
        let (states, failures) = try await states(to: "later")
        #expect(states.map(\.state) == [.done, .done] && states.map(\.attempts) == [1, 1])
        #expect(failures == 0)
        #expect(diary.entries == ["later 1", "later 1", "later 1", "later 1", "the next one 1"])
    }

    @Test("A task that asks for another attempt uses up its attempts")
    func retry() async throws {
        let (states, failures) = try await states(to: "busy")
        #expect(states.map(\.state) == [.failed, .failed] && states.first?.attempts == 2)
        #expect(states.first?.error == "429" && failures == 1)
        #expect(diary.entries == ["busy 1", "busy 2"])
    }
}
