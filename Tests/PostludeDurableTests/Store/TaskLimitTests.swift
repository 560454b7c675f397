import Foundation
import Logging
import PostludeManifest
import PostludeSQLiteStore
import PostludeSystem
import PostludeTaskStore
import PostludeTesting
import Testing

@testable import Postlude
@testable import PostludeDurable

@Suite("Limits of durable tasks") struct TaskLimitTests {
    struct Render: DurableTask {
        var customer: Int?
        var page: Int

        static var policy: DurablePolicy {
            DurablePolicy(limit: TaskLimit(running: 3, per: "customer", rate: .perSecond(25)))
        }

        func run(_ context: TaskContext) async throws {}
    }

    struct Plain: DurableTask {
        var page: Int

        func run(_ context: TaskContext) async throws {}
    }

    private struct Site: Application {
        var handlers: Handlers {
            Handler("render") { (customer: Path<Int>, tasks: BackgroundTasks) throws -> Response in
                try tasks.enqueue(Render(customer: customer.value == 0 ? nil : customer.value, page: 1))
                return .text("accepted", status: .accepted)
            }
        }

        var taskEngine: TaskEngine? {
            .durable {
                Render.self
                Plain.self
            }
        }
    }

    private func mistakes(_ settings: String) throws -> [String] {
        let manifest = try Manifest.parse(
            """
            task-store: { path: /a/tasks.sqlite }
            durable-tasks: \(settings)
            routes: [{ path: /, method: GET, handler: home }]
            """,
            file: "routes.yaml", handlers: ["home"], environment: [:])
        let kinds = DurableTaskKinds([DurableTaskKind(Render.self), DurableTaskKind(Plain.self)])
        return DurableEngine(kinds: kinds).mistakes(in: manifest, file: "routes.yaml").map { "\($0)" }
    }

    @Test("The manifest's keys override those of the code, one by one")
    func overriding() throws {
        func limit(_ settings: String) throws -> TaskLimit? {
            let manifest = try Manifest.parse(
                "durable-tasks: \(settings)\nroutes: [{ path: /, method: GET, handler: home }]\n",
                file: "routes.yaml", handlers: ["home"], environment: [:])
            let kinds = DurableTaskKinds([DurableTaskKind(Render.self), DurableTaskKind(Plain.self)])
            return kinds.with(manifest)[manifest.durableTasks[0].kind]?.limit
        }
        #expect(
            try limit("{ Render: { running: 5 } }")
                == TaskLimit(running: 5, per: "customer", rate: .perSecond(25)))
        #expect(
            try limit("{ Render: { order: strict, per: page } }")
                == TaskLimit(running: 3, per: "page", rate: .perSecond(25), order: .strict))
        #expect(try limit("{ Plain: { rate: 100/m } }") == TaskLimit(rate: .perMinute(100)))
        #expect(try limit("{ Plain: { priority: low } }") == nil)
    }

    @Test("A limit's key is the member's value")
    func keys() {
        let limit = TaskLimit(running: 1, per: "customer")
        func key(_ payload: String) -> String? { limit.key(of: Data(payload.utf8)) }
        #expect(key(#"{"page":1,"customer":7}"#) == "7")
        #expect(key(#"{"customer":"a\"é"}"#) == "a\"é")
        #expect(key(#"{"customer":true}"#) == "true")
        for payload in ["{}", #"{"customer":null}"#, #"{"customer":[1]}"#, "[]", ""] {
            #expect(key(payload) == nil, "\(payload)")
        }
        #expect(TaskLimit(running: 1).key(of: Data()) == "")
    }

    @Test(
        "A limit that cannot be is reported at its place",
        arguments: [
            (
                "{ Plain: { running: 1, per: customer } }",
                """
                routes.yaml:2:44: the durable task `Plain` has no member `customer` for `per`, expected one of: page
                """
            ),
            (
                "{ Plain: { per: page } }",
                "routes.yaml:2:32: `per` alone limits nothing, expected `running`, `rate` or `order: strict` beside it"
            ),
        ])
    func wrong(settings: String, expected: String) throws {
        #expect(try mistakes(settings) == [expected])
    }

    @Test(
        "A task without the member is refused when it is enqueued, and one with it runs when the test says so"
    )
    func enqueue() async throws {
        let app = try await TestApplication(
            Site(), manifest: "routes: [{ path: '/{customer:int}', method: POST, handler: render }]")
        let response = try await app.send(.post("/7"))
        #expect(response.status == .accepted)
        try await response.tasks.runAll()
        #expect(response.tasks.failures.isEmpty)
        #expect(try await app.send(.post("/0")).status == .internalServerError)
    }

    @Test(
        "Between two attempts a task with a limit leaves its place, and the tasks after it wait if it stops them"
    )
    func retry() throws {
        let folder = try TaskStoreFolder()
        let taskStore = folder.taskStore
        let kind = DurableTaskKind(Render.self)
        try taskStore.setLimits(DurableTaskKinds([kind]).limits, of: ["Render"])
        var record = kind.record(Data(#"{"customer":1,"page":1}"#.utf8), at: Date())
        record.stopsOnFailure = true
        var follower = NewRecord(name: "Render", payload: Data(#"{"customer":2,"page":1}"#.utf8))
        follower.followsLimited = true
        var request = NewRequest(id: "r", records: [record, follower])
        request.runsHere = false
        _ = try taskStore.append(request)
        let claimed = try #require(try taskStore.claim(1, takingSuspect: true).first)
        try #require(claimed.records.count == 2)
        let access = TaskStoreAccess(taskStore: taskStore, outbox: nil)
        let queue = TaskQueue(
            of: RequestIdentity(id: "r", route: "/"), limits: .init(), logger: LogLines().logger,
            registry: TaskRegistry())
        queue.add(persisted: claimed.records.map { LocalDurableTask(kind, claimed: $0, in: access) })
        guard case .task(let task) = queue.next() else { throw Failed() }
        guard case .retried = queue.ended(task, error: Failed()) else { throw Failed() }
        guard case .over = queue.next() else { throw Failed() }
        let waiting = try #require(try folder.record(claimed.records[0].id))
        #expect(waiting.state == .waiting && waiting.owner == nil && waiting.attempts == 1)
        #expect(waiting.due > Date())
        #expect(try folder.record(claimed.records[1].id)?.owner == nil)
    }

    @Test("While a task with a limit snoozes, its place is another task's, and the attempt does not count")
    func snooze() throws {
        let folder = try TaskStoreFolder()
        let taskStore = folder.taskStore
        let kind = DurableTaskKind(Plain.self)
        try taskStore.setLimits([RecordLimit(name: "Plain", running: 1)], of: ["Plain"])
        let records = (1...2).map { page in
            var record = kind.record(Data("{\"page\":\(page)}".utf8), at: Date())
            record.limitKey = ""
            return record
        }
        var request = NewRequest(id: "r", records: records)
        request.runsHere = false
        _ = try taskStore.append(request)
        let claimed = try #require(try taskStore.claim(2, takingSuspect: true).first)
        #expect(try taskStore.claim(2, takingSuspect: true).isEmpty)
        let access = TaskStoreAccess(taskStore: taskStore, outbox: nil)
        let queue = TaskQueue(
            of: RequestIdentity(id: "r", route: "/"), limits: .init(), logger: LogLines().logger,
            registry: TaskRegistry())
        queue.add(persisted: claimed.records.map { LocalDurableTask(kind, claimed: $0, in: access) })
        guard case .task(let task) = queue.next() else { throw Failed() }
        _ = queue.ended(task, error: TaskError.snooze(for: .seconds(3600)))
        try taskStore.flush()
        let waiting = try #require(try folder.record(claimed.records[0].id))
        #expect(waiting.state == .waiting && waiting.owner == nil && waiting.attempts == 0)
        let other = try #require(try taskStore.claim(2, takingSuspect: true).first)
        #expect(other.records.map(\.id) != claimed.records.map(\.id))
    }

    @Test("What a script adds, one or many at once, has its limit, also that of the manifest")
    func script() throws {
        let directory = try TestDirectory()
        let place = directory.path + "/tasks.sqlite"
        try """
        task-store: { path: \(place) }
        durable-tasks: { Plain: { running: 1, per: page } }
        routes: [{ path: '/{customer:int}', method: POST, handler: render }]
        """.write(toFile: directory.path + "/routes.yaml", atomically: true, encoding: .utf8)
        let tasks = try DurableTasks(of: Site.self, manifest: directory.path + "/routes.yaml")
        var ids = try tasks.enqueue(contentsOf: [1, 2].map { Render(customer: $0, page: 9) }).map(\.id)
        ids.append(try tasks.enqueue(Plain(page: 7)).id)
        #expect(throws: DurableTaskError.noLimitKey(task: "Render", member: "customer")) {
            try tasks.enqueue(contentsOf: [Render(customer: nil, page: 1)])
        }
        tasks.close()
        let taskStore = try SQLiteTaskStore(path: place)
        let keys = try ids.map { try taskStore.record(try #require(RecordID($0)))?.limitKey }
        #expect(keys == ["1", "2", "7"])
        try taskStore.close()
    }

    /// The second version of a kind, whose first one had the member `account`.
    struct Bill: DurableTask {
        var customer: String

        static let version = 2
        static var policy: DurablePolicy { DurablePolicy(limit: TaskLimit(running: 1, per: "customer")) }

        static func upcast(_ old: JSONValue, from version: Int) throws -> JSONValue {
            guard case .object(var members) = old else { return old }
            members["customer"] = members.removeValue(forKey: "account")
            return .object(members)
        }

        func run(_ context: TaskContext) async throws {}
    }

    @Test("Tasks of an earlier version whose values lack the member share a limit, and run")
    func upcast() throws {
        let folder = try TaskStoreFolder()
        let taskStore = folder.taskStore
        let kind = DurableTaskKind(Bill.self)
        let old = ["a", "b"].map { NewRecord(name: "Bill", payload: Data(#"{"account":"\#($0)"}"#.utf8)) }
        let new = kind.record(Data(#"{"customer":"a"}"#.utf8), at: Date())
        #expect(new.limitKey == "a")
        var request = NewRequest(id: "r", records: old + [new])
        request.runsHere = false
        let ids = try taskStore.append(request).map(\.id)
        try taskStore.setLimits(DurableTaskKinds([kind]).limits, of: ["Bill"])
        let claimed = try taskStore.claim(8, takingSuspect: true).flatMap(\.records)
        #expect(Set(claimed.map(\.id)) == [ids[0], ids[2]])
        for record in claimed {
            let version = record.id == ids[2] ? 2 : 1
            let task = try #require(try kind.decode(record.payload, version: version) as? Bill)
            #expect(task.customer == "a")
        }
    }

    private struct Failed: Error {}
}
