import Foundation
import HTTPTypes
import Logging
import Postlude
import PostludeDurable
import PostludeSystem
import PostludeTesting
import Testing

/// Steps, cursors, sleeps and progress of durable tasks, in an application's own tests.
@Suite("Steps of durable tasks")
struct StepsTests {
    struct Failure: Error {}

    struct Receipt: Codable, Equatable {
        var number: Int
        var text: String?
    }

    /// What a test has its task do.
    struct Journey: DurableTask {
        static var policy: DurablePolicy { DurablePolicy(retry: RetryPolicy(attempts: 3)) }

        func run(_ context: TaskContext) async throws {
            let shop = try context.application(Shop.self)
            try await shop.run(context, shop.diary)
        }
    }

    struct Shop: Application {
        let diary = IdempotencyTests.Diary()
        let run: @Sendable (TaskContext, IdempotencyTests.Diary) async throws -> Void

        init() { self.init { _, _ in } }
        init(_ run: @escaping @Sendable (TaskContext, IdempotencyTests.Diary) async throws -> Void) {
            self.run = run
        }

        var handlers: Handlers {
            Handler("journey") { (tasks: BackgroundTasks) throws -> String in
                tasks.add(named: "ordinary") {
                    do {
                        try TaskContext.current?.step("a") {}
                    } catch {
                        diary.note("\(error)")
                    }
                    TaskContext.current?.progress(0.5)
                }
                return try tasks.enqueue(Journey()).id
            }
            Handler.durableTaskStatus(showingErrors: true)
        }

        var taskEngine: TaskEngine? { .durable { Journey.self } }
    }

    private struct Status: Decodable {
        var state: DurableTaskStatus.State
        var attempts: Int
        var error: String?
        var progress: DurableTaskStatus.Progress?
    }

    private let log = LogLines()

    /// Runs a task until it is over.
    ///
    /// - Returns: what it has noted, without the ordinary task's line, and its status.
    private func journey(
        _ run: @escaping @Sendable (TaskContext, IdempotencyTests.Diary) async throws -> Void
    ) async throws -> (entries: [String], status: Status) {
        let shop = Shop(run)
        let app = try await TestApplication(
            shop,
            manifest: """
                routes:
                  - { path: /journey, method: POST, handler: journey }
                  - { path: "/tasks/{id}", method: GET, handler: task-status }
                """, logger: log.logger)
        let response = try await app.send(.post("/journey"))
        try await response.tasks.runAll()
        let id = try response.json(String.self)
        let status = try await app.send(.get("/tasks/\(id)")).json(Status.self)
        #expect(shop.diary.entries.contains { $0.contains("the task ordinary has no steps") })
        return (shop.diary.entries.filter { !$0.contains("the task ordinary") }, status)
    }

    @Test("A step that has returned is not taken again: later attempts get its result")
    func results() async throws {
        let (entries, status) = try await journey { context, diary in
            let receipt = try await context.step("charge") {
                await Task.yield()
                diary.note("charge \(context.attempt)")
                return Receipt(number: 7, text: nil)
            }
            let none: Int? = try context.step("none") { nil }
            try await context.step("mail") {
                await Task.yield()
                diary.note("mail \(context.attempt)")
                if context.attempt < 2 { throw Failure() }
            }
            func ship() throws -> Int {
                try context.step("pack") { diary.note("pack \(context.attempt)") }
                return try context.step("ship") { context.attempt }
            }
            let shipped = try ship()
            diary.note("\(receipt.number) \(none as Any) \(shipped)")
            if context.attempt < 3 { throw Failure() }
        }
        #expect(
            entries == ["charge 1", "mail 1", "mail 2", "pack 2", "7 nil 2", "7 nil 2"])
        #expect(status.state == .done && status.attempts == 3)
        #expect(!log.lines.contains { $0.contains("another order") })
    }

    @Test("A name that an attempt takes twice fails the task at once, and names the step")
    func repeated() async throws {
        let (entries, status) = try await journey { context, diary in
            for page in 1...2 { try context.step("page") { diary.note("page \(page)") } }
        }
        #expect(entries == ["page 1"] && status.state == .failed && status.attempts == 1)
        #expect(
            status.error?.contains("the task Journey takes the step \"page\" twice in one attempt") == true)
    }

    @Test("A changed order of the steps is found, and named in the log", arguments: [false, true])
    func order(isRemoved: Bool) async throws {
        let (entries, status) = try await journey { context, diary in
            let names = context.attempt == 1 ? ["a", "b"] : isRemoved ? ["b", "c"] : ["b", "a", "c"]
            for name in names { try context.step(name) { diary.note(name) } }
            if context.attempt == 1 { throw Failure() }
        }
        #expect(entries == ["a", "b", "c"] && status.state == .done)
        let lines = log.lines.filter { $0.contains("in another order than an earlier attempt") }
        #expect(lines.count == 1)
        #expect(lines.first?.contains("step=b") == true && lines.first?.contains("position=1") == true)
        #expect(lines.first?.contains("kept=2") == true)
    }

    @Test("A kept step that a successful attempt does not reach is named", arguments: [false, true])
    func missing(isReplaced: Bool) async throws {
        let (_, status) = try await journey { context, _ in
            if context.attempt == 1 { try context.step("a") {} }
            if context.attempt == 1 { throw Failure() }
            if isReplaced { try context.step("b") {} }
        }
        #expect(status.state == .done)
        let lines = log.lines.filter { $0.contains("in another order than an earlier attempt") }
        #expect(lines.count == 1 && lines.first?.contains("step=a") == true)
        #expect(lines.first?.contains("position=not reached") == true)
    }

    @Test("What cannot be kept fails the task at once, and says why")
    func refused() async throws {
        let cases: [(text: String, run: @Sendable (TaskContext) async throws -> Void)] = [
            (
                "more than the 262144",
                { try $0.step("a") { String(repeating: "a", count: 256 << 10) } }
            ),
            ("cannot be kept as JSON", { try $0.step("a") { Double.nan } }),
            ("expected 1 to 200 bytes", { try $0.step("") {} }),
            ("expected 1 to 200 bytes", { try $0.step(String(repeating: "a", count: 201)) {} }),
            ("expected 1 to 200 bytes", { try $0.step("a\0") {} }),
            (
                "is not of its type",
                { context in
                    if context.attempt == 1 {
                        try context.step("a") { 1 }
                    } else {
                        try context.step("a") { "1" }
                    }
                    throw Failure()
                }
            ),
            (
                "more than 1000 steps",
                { context in for number in 0...1000 { try context.step("\(number)") {} } }
            ),
        ]
        for (text, run) in cases {
            let (_, status) = try await journey { context, _ in try await run(context) }
            #expect(status.state == .failed)
            #expect(status.error?.contains(text) == true, "\(text): \(status.error ?? "")")
        }
    }

    @Test("A cursor continues where it was saved last: by count, by time, or on request")
    func cursor() async throws {
        let (entries, status) = try await journey { context, diary in
            let slow = try context.cursor("slow", from: 0, every: 3, or: .seconds(3600))
            let fast = try context.cursor("fast", from: Receipt(number: 0), every: 1000, or: .zero)
            diary.note("\(slow.value) \(fast.value.number)")
            while slow.value < 10 {
                try slow.advance(to: slow.value + 1)
                try fast.advance(to: Receipt(number: slow.value))
                if context.attempt == 1, slow.value == 5 { throw Failure() }
                if context.attempt == 2, slow.value == 8 {
                    try slow.save()
                    throw Failure()
                }
            }
        }
        #expect(entries == ["0 0", "3 5", "8 8"])
        #expect(status.state == .done && status.attempts == 3)
    }

    @Test("A step that was not kept, and a cursor that was not saved, are in their places")
    func unkept() async throws {
        let (_, status) = try await journey { context, _ in
            do {
                try context.step("optional") { throw Failure() }
            } catch is Failure {}
            _ = try context.cursor(from: 0)
            try context.step("a") {}
            try await context.sleep(for: .seconds(1))
            if context.attempt == 1 { throw Failure() }
        }
        #expect(status.state == .done && status.attempts == 2)
        #expect(!log.lines.contains { $0.contains("another order") })
    }

    @Test("A sleep ends the attempt, which costs nothing, and the task continues after it")
    func sleep() async throws {
        let (entries, status) = try await journey { context, diary in
            try context.step("welcome") { diary.note("welcome \(context.attempt)") }
            try await context.sleep(for: .seconds(7 * 86_400))
            diary.note("awake")
            try await context.sleep(for: .seconds(60))
            try await context.sleep("at last", for: .seconds(60))
            try await context.sleep(for: .seconds(-1))
            diary.note("done \(context.attempt)")
        }
        #expect(entries == ["welcome 1", "awake", "awake", "awake", "done 1"])
        #expect(status.state == .done && status.attempts == 1)
    }

    @Test("A task that catches the error of its sleep sleeps nevertheless", arguments: [false, true])
    func caught(takesStep: Bool) async throws {
        let (entries, status) = try await journey { context, diary in
            do {
                try await context.sleep(for: .seconds(60))
                diary.note("awake")
            } catch {
                diary.note("caught")
                if takesStep { try context.step("a") { diary.note("too early") } }
            }
        }
        #expect(entries == ["caught", "awake"] && status.state == .done && status.attempts == 1)
    }

    @Test("The last report of the progress is kept with the task, however many there were")
    func progress() async throws {
        let (_, status) = try await journey { context, _ in
            for page in 1...1000 { context.progress(Double(page) / 1000, "page \(page)") }
        }
        #expect(status.progress?.fraction == 1 && status.progress?.message == "page 1000")
        let (_, other) = try await journey { _, _ in }
        #expect(other.progress == nil)
    }
}
