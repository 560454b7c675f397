import Foundation
import Postlude
import PostludeDurable
import PostludeSystem
import PostludeTesting
import Testing

/// How an application's own tests see its schedules.
@Suite("Schedules without a server")
struct FiringTests {
    final class Lines: Sendable {
        private let lines = Lock<[String]>([])

        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    struct Cleanup: DurableTask {
        var days: Int

        func run(_ context: TaskContext) async throws {
            try context.application(Shop.self).lines.add(
                "\(days) \(context.requestID) \(context.taskID?.count ?? 0) \(context.attempt)")
        }
    }

    struct Shop: Application {
        let lines = Lines()

        var handlers: Handlers {
            Handler("ordinary") { (tasks: BackgroundTasks) in
                tasks.add(named: "ordinary") {
                    let shop = try TaskContext.current?.application(Shop.self)
                    shop?.lines.add("ordinary")
                }
                tasks.add(named: "mistaken") {
                    _ = try TaskContext.current?.application(Other.self)
                }
                return ["": ""]
            }
        }

        var taskEngine: TaskEngine? { .durable { Cleanup.self } }
    }

    struct Other: Application {
        var handlers: Handlers { Handler("none") { ["": ""] } }
    }

    private static let manifest = """
        task-store: { path: /nowhere/tasks.sqlite }
        schedules:
          nightly: { cron: "0 3 * * *", time-zone: UTC, task: Cleanup, arguments: { days: 30 } }
        routes: [{ path: /ordinary, method: GET, handler: ordinary }]
        """

    @Test("A schedule fires when the test calls it, and skips a time while its last task is not over")
    func firing() async throws {
        let app = try await TestApplication(Shop(), manifest: Self.manifest)
        let time = Date(timeIntervalSince1970: 1_800_000_000)
        let tasks = try await app.fire("nightly", at: time)
        #expect(tasks.queued.map(\.name) == ["Cleanup"])
        #expect(try await app.fire("nightly").queued.isEmpty)
        try await tasks.runAll()
        #expect(app.application.lines.all == ["30 nightly@2027-01-15T08:00:00Z 36 1"])
        #expect(try await app.fire("nightly").queued.count == 1)
    }

    @Test("A name that is not in the manifest is an error that lists the known names")
    func unknown() async throws {
        let app = try await TestApplication(Shop(), manifest: Self.manifest)
        let error = await #expect(throws: (any Error).self) { try await app.fire("weekly") }
        #expect("\(try #require(error))" == "the manifest has no schedule \"weekly\"; its schedules: nightly")
    }

    @Test("An ordinary task finds its application as well; a missing one is named")
    func ordinary() async throws {
        let app = try await TestApplication(Shop(), manifest: Self.manifest)
        let tasks = try await app.send(.get("/ordinary")).tasks
        try await tasks.runAll()
        #expect(app.application.lines.all == ["ordinary"])
        #expect(
            tasks.failures.map { "\($0.error)" } == ["the application Other was asked for, but it is Shop"])
    }

    @Test("A task can be called directly, with a context that the test makes")
    func context() async throws {
        let shop = Shop()
        try await Cleanup(days: 7).run(TaskContext(of: shop, taskID: "a", attempt: 2, requestID: "r"))
        #expect(shop.lines.all == ["7 r 1 2"])
        let context = TaskContext(isCancelled: true)
        #expect(context.isCancelled && context.taskID == nil && context.attempt == 1)
        #expect(throws: (any Error).self) { try context.application(Shop.self) }
    }
}
