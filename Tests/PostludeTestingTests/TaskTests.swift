import Postlude
import PostludeTesting
import Testing

@Suite("The tasks after a response")
struct TaskTests {
    private let app: TestApplication<Bookshop>
    private var diary: [String] { app.application.diary.entries }

    init() async throws { app = try await TestApplication(Bookshop(), manifest: Bookshop.manifest) }

    @Test("they can be inspected, with their arguments, and none has begun")
    func queued() async throws {
        let tasks = try await app.send(.post("/orders/7")).tasks
        #expect(tasks.queued.map(\.name) == ["pack", "mail"])
        #expect(tasks.queued.map(\.state) == [.queued, .queued])
        let arguments = try #require(tasks.queued.first?.arguments)
        #expect(arguments.count == 2)
        #expect(arguments.first as? Int == 7)
        #expect(arguments.last as? String == "gift")
        #expect(diary == ["start"])
    }

    @Test("a single task runs when the test asks for it")
    func runNext() async throws {
        let tasks = try await app.send(.post("/orders/7")).tasks
        try await tasks.runNext()
        #expect(diary == ["start", "pack 7 as gift"])
        #expect(tasks.queued.map(\.name) == ["mail"])
    }

    @Test("all run in order, and then none is left")
    func runAll() async throws {
        let tasks = try await app.send(.post("/orders/7")).tasks
        try await tasks.runAll()
        #expect(diary == ["start", "pack 7 as gift", "mail 7"])
        #expect(tasks.queued.isEmpty)
        try await tasks.runAll()
        #expect(diary.count == 3)
    }

    @Test("after a crash the remaining tasks never run", arguments: 0...2)
    func crash(count: Int) async throws {
        let tasks = try await app.send(.post("/orders/7")).tasks
        let lost = try await tasks.crash(after: count)
        #expect(lost.map(\.name) == Array(["pack", "mail"].dropFirst(count)))
        try await tasks.runAll()
        #expect(diary == Array(["start", "pack 7 as gift", "mail 7"].prefix(count + 1)))
    }

    @Test("tasks that the test does not run end with the application", .timeLimit(.minutes(10)))
    func unrun() async throws {
        weak var diary: Diary?
        do {
            let app = try await TestApplication(Bookshop(), manifest: Bookshop.manifest)
            diary = app.application.diary
            #expect(try await app.send(.post("/orders/7")).tasks.queued.count == 2)
        }
        // The worker's thread releases its last request a moment later.
        while diary != nil { await Task.yield() }
    }

    @Test("a retry is not waited for, and its last error is a failure")
    func retries() async throws {
        let tasks = try await app.send(.post("/retried")).tasks
        try await tasks.runNext()
        #expect(diary == ["start", "attempt"])
        #expect(tasks.queued.map(\.state) == [.waiting])
        try await tasks.runAll()
        #expect(diary == ["start", "attempt", "attempt", "attempt", "failed for good"])
        let failure = try #require(tasks.failures.first)
        #expect(tasks.failures.count == 1)
        #expect(failure.taskName == "flaky")
        #expect(failure.error is Unexpected)
    }

    @Test("an undelivered response runs the tasks for that case", arguments: [true, false])
    func delivery(isDelivered: Bool) async throws {
        var request = TestRequest.post("/delivered")
        request.isResponseTaken = isDelivered
        let tasks = try await app.send(request).tasks
        #expect(tasks.queued.map(\.name) == [isDelivered ? "celebrate" : "keep"])
    }
}
