import Foundation
import GRDB
import Postlude
import PostludeSQLiteStore
import PostludeSystem
import PostludeTaskStore
import PostludeTesting
import Testing

@testable import PostludeDurable

/// Durable tasks that are added outside of handlers.
@Suite("Durable tasks from anywhere")
struct DurableTasksTests {
    final class Lines: Sendable {
        private let lines = Lock<[String]>([])

        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    struct Child: DurableTask {
        var name: String

        func run(_ context: TaskContext) async throws {
            try context.application(Shop.self).lines.add("\(name) of \(context.requestID)")
        }
    }

    struct Parent: DurableTask {
        var count = 1
        var failures = 0
        var key: String?
        /// Whether its first attempt snoozes.
        var snoozes: Bool?

        struct Failed: Error {}

        static var policy: DurablePolicy { DurablePolicy(retry: RetryPolicy(attempts: 3, jitter: 0)) }

        func run(_ context: TaskContext) async throws {
            for number in 0..<count {
                try context.enqueue(Child(name: "child \(number) \(context.attempt)"), unique: key)
            }
            if context.attempt <= failures { throw Failed() }
            let lines = try context.application(Shop.self).lines
            guard snoozes == true, !lines.all.contains("snoozed") else { return }
            lines.add("snoozed")
            throw TaskError.snooze(for: .seconds(60))
        }
    }

    /// Adds a task in the transaction with its end, and tries to add one after it.
    struct Booking: DurableTask {
        var fails = false

        struct Failed: Error {}

        static var policy: DurablePolicy { DurablePolicy(retry: .none) }

        func run(_ context: TaskContext) async throws -> String {
            try context.enqueue(Child(name: "before"))
            try context.transaction { database in
                try database.execute(sql: "INSERT INTO booked VALUES (1)")
                try context.enqueue(Child(name: "within"))
                if fails { throw Failed() }
            }
            let error = #expect(throws: DurableTaskError.self) { try context.enqueue(Child(name: "after")) }
            try context.application(Shop.self).lines.add("\(try #require(error))")
            return "booked"
        }
    }

    struct Unknown: DurableTask {
        func run(_ context: TaskContext) async throws {}
    }

    struct Shop: Application {
        let lines = Lines()
        let tasks = DurableTasks()
        var storage = DurableStorage.file

        func start() async throws { try tasks.enqueue(Child(name: "start"), unique: "start", while: .stored) }

        var handlers: Handlers {
            Handler("parent") { (parent: JSONBody<Parent>, tasks: BackgroundTasks) throws in
                try tasks.enqueue(parent.value)
                return ["": ""]
            }
            Handler("booking") { (booking: JSONBody<Booking>, tasks: BackgroundTasks) throws in
                try tasks.enqueue(booking.value)
                return ["": ""]
            }
            Handler("ordinary") { (tasks: BackgroundTasks) in
                tasks.add(named: "import") {
                    let context = try #require(TaskContext.current)
                    try context.durableTasks.enqueue(Child(name: "ordinary"), priority: .low)
                    let error = #expect(throws: DurableTaskError.self) {
                        try context.enqueue(Child(name: "in no durable task"))
                    }
                    lines.add("\(try #require(error))")
                }
                return ["": ""]
            }
            Handler("bulk") { (tasks: BackgroundTasks) throws in
                let handles = try tasks.enqueue(
                    contentsOf: (0..<3).map { Child(name: "bulk \($0)") }, over: .seconds(60))
                return ["count": "\(handles.count)"]
            }
        }

        var taskEngine: TaskEngine? {
            .durable(tasks, in: storage) {
                Child.self
                Parent.self
                Booking.self
            }
        }
    }

    private static let manifest = """
        task-store: { path: /nowhere/tasks.sqlite }
        schedules:
          nightly: { cron: "0 3 * * *", time-zone: UTC, task: Parent, arguments: { count: 1, failures: 0 } }
        routes:
          - { path: /parent, method: POST, handler: parent }
          - { path: /booking, method: POST, handler: booking }
          - { path: /ordinary, method: POST, handler: ordinary }
          - { path: /bulk, method: POST, handler: bulk }
        """

    /// The names of the tasks that are due, after they have run.
    private func runDue(_ app: TestApplication<Shop>, skippingDelays: Bool = false) async throws -> [String] {
        var names: [String] = []
        for tasks in try await app.dueTasks(skippingDelays: skippingDelays) {
            names += tasks.queued.compactMap { ($0.arguments.first as? Child)?.name }
            try await tasks.runAll()
            #expect(tasks.failures.isEmpty)
        }
        return names
    }

    // MARK: In the commit of a durable task

    @Test("What a durable task adds exists when it is done; what a failed attempt has added does not")
    func children() async throws {
        let app = try await TestApplication(Shop(), manifest: Self.manifest)
        _ = try await runDue(app)
        let parent = try await app.send(.post("/parent", json: Parent(count: 2, failures: 1))).tasks
        #expect(try await app.dueTasks().isEmpty)
        try await parent.runNext()
        #expect(try await app.dueTasks().isEmpty, "the first attempt has failed")
        try await parent.runAll()
        #expect(try await runDue(app) == ["child 0 2", "child 1 2"])
        #expect(Set(app.application.lines.all.dropFirst().map { $0.split(separator: " ").count }) == [5])
        let failing = try await app.send(.post("/parent", json: Parent(failures: 9))).tasks
        try await failing.runAll()
        #expect(failing.failures.count == 1)
        #expect(try await app.dueTasks().isEmpty)
    }

    @Test("What an attempt adds that snoozes does not exist: the one that is done adds it")
    func childrenAfterSnooze() async throws {
        let app = try await TestApplication(Shop(), manifest: Self.manifest)
        _ = try await runDue(app)
        let parent = try await app.send(.post("/parent", json: Parent(snoozes: true))).tasks
        try await parent.runNext()
        #expect(app.application.lines.all.contains("snoozed"))
        #expect(try await app.dueTasks().isEmpty)
        try await parent.runAll()
        #expect(try await runDue(app) == ["child 0 1"])
    }

    @Test("A unique key of a child is taken by another task that is not over")
    func uniqueChild() async throws {
        let app = try await TestApplication(Shop(), manifest: Self.manifest)
        _ = try await runDue(app)
        let tasks = try await app.send(.post("/parent", json: Parent(count: 3, key: "k"))).tasks
        try await tasks.runAll()
        #expect(try await runDue(app) == ["child 0 1"])
    }

    @Test("An attempt adds at most 1,000 tasks")
    func limit() async throws {
        let app = try await TestApplication(Shop(), manifest: Self.manifest)
        _ = try await runDue(app)
        let tasks = try await app.send(.post("/parent", json: Parent(count: 1001))).tasks
        try await tasks.runAll()
        #expect(
            tasks.failures.map { "\($0.error)" } == [
                "more than 1000 durable tasks such as Child at once; add them by several calls"
            ])
        #expect(try await app.dueTasks().isEmpty)
    }

    @Test("In a schedule's task, too, and the application is found there")
    func schedule() async throws {
        let app = try await TestApplication(Shop(), manifest: Self.manifest)
        _ = try await runDue(app)
        let time = Date(timeIntervalSince1970: 1_800_000_000)
        try await app.fire("nightly", at: time).runAll()
        #expect(try await runDue(app) == ["child 0 1"])
        #expect(app.application.lines.all.last == "child 0 1 of nightly@2027-01-15T08:00:00Z")
    }

    @Test("With a transaction they are in it, or rolled back with it")
    func transaction() async throws {
        let directory = try TestDirectory()
        let database = try DatabasePool(path: directory.path + "/shop.sqlite")
        try await database.write { try $0.execute(sql: "CREATE TABLE booked (number INTEGER)") }
        let shop = Shop(storage: .database(database))
        let app = try await TestApplication(
            shop, manifest: Self.manifest.replacing("task-store: { path: /nowhere/tasks.sqlite }\n", with: "")
        )
        #expect(try await runDue(app) == ["start"])
        let failing = try await app.send(.post("/booking", json: Booking(fails: true))).tasks
        try await failing.runAll()
        #expect(failing.failures.count == 1)
        #expect(try await app.dueTasks().isEmpty)
        try await app.send(.post("/booking", json: Booking())).tasks.runAll()
        #expect(
            shop.lines.all.last
                == "the durable task Child cannot be added by Booking, whose attempt has ended")
        #expect(try await runDue(app) == ["before", "within"])
        let count = try await database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM booked") }
        #expect(count == 1)
    }

    // MARK: Outside of durable tasks

    @Test(
        "start(), services and ordinary tasks add tasks that are persisted at once, each in its own application"
    )
    func handle() async throws {
        let apps = [
            try await TestApplication(Shop(), manifest: Self.manifest),
            try await TestApplication(Shop(), manifest: Self.manifest),
        ]
        let added = try apps[0].application.tasks.enqueue(
            Child(name: "service"), after: .seconds(60), unique: "k")
        let again = try apps[0].application.tasks.enqueue(Child(name: "service"), unique: "k")
        #expect(added.isNew && !again.isNew && again.id == added.id)
        try await apps[1].send(.post("/ordinary")).tasks.runAll()
        #expect(try await runDue(apps[0]) == ["start"])
        #expect(try await runDue(apps[0], skippingDelays: true) == ["service"])
        #expect(try await runDue(apps[1]) == ["start", "ordinary"])
        #expect(
            apps[1].application.lines.all.first
                == "the durable task Child cannot be added in the commit of import, which is not a durable task of this "
                + "process; use its context's durableTasks")
    }

    @Test("Many tasks are added at once, spread over a time, and at most 10,000")
    func bulk() async throws {
        let app = try await TestApplication(Shop(), manifest: Self.manifest)
        _ = try await runDue(app)
        let tasks = app.application.tasks
        let added = try tasks.enqueue(
            contentsOf: (0..<4).map { Child(name: "\($0)") }, over: .seconds(60), after: .seconds(10),
            unique: { $0.name == "3" ? "2" : $0.name })
        #expect(added.map(\.isNew) == [true, true, true, false])
        let delays = added.map { $0.status.due.timeIntervalSince($0.status.added).rounded() }
        #expect(delays == [10, 25, 40, 40])
        let many = (0...10_000).map { Child(name: "\($0)") }
        #expect(throws: DurableTaskError.tooMany(task: "Child", limit: 10_000)) {
            try tasks.enqueue(contentsOf: many)
        }
        #expect(try tasks.enqueue(contentsOf: [Child]()).isEmpty)
        let response = try await app.send(.post("/bulk"))
        #expect(try response.json([String: String].self) == ["count": "3"])
        #expect(response.tasks.queued.isEmpty, "they wait for their times")
        #expect(try await runDue(app, skippingDelays: true).count == 6)
    }

    @Test("A kind that the engine does not have, and a handle without an engine, are errors")
    func mistakes() async throws {
        let app = try await TestApplication(Shop(), manifest: Self.manifest)
        #expect(throws: DurableTaskError.unknownKind(task: "Unknown", type: "Unknown")) {
            try app.application.tasks.enqueue(Unknown())
        }
        #expect(throws: DurableTaskError.notConnected(task: "Child")) {
            try DurableTasks().enqueue(Child(name: ""))
        }
    }

    // MARK: Without a server

    @Test("A script adds tasks to a store that no server has made; a backup may replace it meanwhile")
    func script() throws {
        let directory = try TestDirectory()
        let place = directory.path + "/tasks.sqlite"
        let manifest = Self.manifest.replacing("/nowhere/tasks.sqlite", with: place)
        try manifest.write(toFile: directory.path + "/routes.yaml", atomically: true, encoding: .utf8)
        let tasks = try DurableTasks(of: Shop.self, manifest: directory.path + "/routes.yaml")
        let first = try tasks.enqueue(Child(name: "script"))
        let taskStore = try SQLiteTaskStore(path: place)
        #expect(try taskStore.claim(9, takingSuspect: true).map { $0.records.map(\.id.text) } == [[first.id]])
        try taskStore.close()
        tasks.close()
        for suffix in ["", "-wal", "-shm"] { unlink(place + suffix) }
        #expect(try tasks.enqueue(Child(name: "again")).isNew)
        tasks.close()
    }

    @Test("Values on the command line are decoded, and a mistake names the member")
    func values() throws {
        let kind = DurableTaskKind(Parent.self)
        func problem(_ text: String) -> String? {
            do {
                _ = try GivenValues(text).payload(of: kind)
                return nil
            } catch {
                return "\(error)"
            }
        }
        let start = "these are not the values of the durable task Parent: "
        #expect(problem(#"{"count": 2, "failures": 0, "key": null}"#) == nil)
        #expect(problem(#"{"failures": 0}"#) == start + "`count` is missing")
        #expect(problem(#"{"count": "two", "failures": 0}"#) == start + "`count` is not a whole number")
        #expect(
            problem(#"{"count": 2, "failures": 0, "failure": 1}"#)
                == start + "it has no member `failure` (nearest: failures)")
        #expect(problem("{")?.hasPrefix(start + "the task is invalid: ") == true)
        let error = #expect(throws: UnknownKind.self) {
            try DurableTaskKinds([kind]).named("Parrent")
        }
        #expect(
            "\(try #require(error))"
                == "there is no kind of durable tasks called `Parrent` (nearest: Parent); the application has Parent"
        )
    }
}
