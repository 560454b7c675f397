import HTTPTypes
import Postlude
import PostludeDurable
import PostludeSystem
import PostludeTesting
import Testing

/// Which tasks belong to which response if middleware is between them.
@Suite("Middleware that calls next again, or responds by itself")
struct MiddlewareTests {
    struct Noted: DurableTask {
        var label: String

        func run(_ context: TaskContext) async throws {
            try context.application(Shop.self).diary.note("durable \(label)")
        }
    }

    final class Diary: Sendable {
        private let lines = Lock<[String]>([])
        private let calls = Lock(0)

        var entries: [String] { lines.withLock { $0 } }
        func note(_ line: String) { lines.withLock { $0.append(line) } }

        /// 1 for the first call.
        func count() -> Int {
            calls.withLock { calls in
                calls += 1
                return calls
            }
        }
    }

    /// How the handler's first call ends.
    enum Failure: String, Sendable, CaseIterable {
        case thrown, status, persistedAndThrown
    }

    struct Shop: Application {
        let diary: Diary
        let failure: Failure
        let layers: [any Middleware]

        init() { self.init(diary: Diary(), failure: .thrown, layers: []) }
        init(diary: Diary, failure: Failure, layers: [any Middleware]) {
            self.diary = diary
            self.failure = failure
            self.layers = layers
        }

        var handlers: Handlers {
            Handler("order") { (tasks: BackgroundTasks) throws -> Response in
                let call = diary.count()
                tasks.add(named: "ordinary \(call)") { diary.note("ordinary \(call)") }
                tasks.add(named: "always \(call)", when: .always) { diary.note("always \(call)") }
                try tasks.enqueue(Noted(label: "\(call)"), unique: "order", while: .stored)
                if call == 1 {
                    switch failure {
                    case .thrown: throw HTTPError(.badGateway)
                    case .status: return .text("not yet", status: .badGateway)
                    case .persistedAndThrown:
                        #expect(try tasks.persist().map(\.isNew) == [true])
                        throw HTTPError(.badGateway)
                    }
                }
                return .text("accepted", status: .accepted)
            }
        }

        var middleware: [any Middleware] { layers }
        var taskEngine: TaskEngine? { .durable { Noted.self } }
    }

    /// Calls a failed handler once more.
    struct Again: Middleware {
        let diary: Diary

        func respond(to request: Request, next: Next) async throws -> Response {
            let tasks = BackgroundTasks(request: request)
            tasks.add(named: "before") { [diary] in diary.note("before") }
            var response = try await next(request)
            if response.status.code >= 500 {
                tasks.add(named: "between") { [diary] in diary.note("between") }
                response = try await next(request)
            }
            return response
        }
    }

    struct Through: Middleware {
        func respond(to request: Request, next: Next) async throws -> Response { try await next(request) }
    }

    /// Responds in place of a failed handler, with tasks of its own.
    struct Instead: Middleware {
        let diary: Diary

        func respond(to request: Request, next: Next) async throws -> Response {
            let response = try await next(request)
            guard response.status.code >= 500 else { return response }
            let tasks = BackgroundTasks(request: request)
            tasks.add(named: "instead") { [diary] in diary.note("instead") }
            try tasks.enqueue(Noted(label: "instead"))
            return .text("later", status: .accepted)
        }
    }

    /// Refuses the handler's response.
    struct Refusing: Middleware {
        func respond(to request: Request, next: Next) async throws -> Response {
            _ = try await next(request)
            throw HTTPError(.conflict)
        }
    }

    private static let manifest = "routes: [{ path: /orders, method: POST, handler: order }]"
    private let log = LogLines()

    private func send(_ failure: Failure, _ diary: Diary, _ layers: any Middleware...) async throws -> (
        TestApplication<Shop>, TestResponse
    ) {
        let app = try await TestApplication(
            Shop(diary: diary, failure: failure, layers: layers), manifest: Self.manifest,
            logger: log.logger)
        return (app, try await app.send(.post("/orders")))
    }

    @Test(
        "The last call of next decides: its tasks run, and those of the earlier call are dropped",
        arguments: [Failure.thrown, .status], [false, true])
    func again(failure: Failure, isNested: Bool) async throws {
        let diary = Diary()
        let (app, response) =
            isNested
            ? try await send(failure, diary, Through(), Again(diary: diary), Through())
            : try await send(failure, diary, Again(diary: diary))
        #expect(response.status == .accepted)
        let name = try #require(HTTPField.Name("Task-Id"))
        #expect(response.headers[name]?.contains(",") == false)
        #expect(
            response.tasks.queued.map(\.name) == [
                "before", "between", "ordinary 2", "always 2", "Noted",
            ])
        try await response.tasks.runAll()
        #expect(diary.entries == ["before", "between", "ordinary 2", "always 2", "durable 2"])
        let line = try #require(log.lines.first { $0.contains("middleware calls next again") })
        #expect(line.contains("ordinary 1, always 1, Noted"))
        try await app.stop()
    }

    @Test("Tasks that a call has persisted stay: the next call finds them")
    func persisted() async throws {
        let diary = Diary()
        let (app, response) = try await send(.persistedAndThrown, diary, Again(diary: diary))
        #expect(response.status == .accepted)
        try await response.tasks.runAll()
        #expect(diary.entries == ["before", "durable 1", "between", "ordinary 2", "always 2"])
        try await app.stop()
    }

    @Test("A response that replaces a thrown error has its own tasks; the handler's tasks are dropped")
    func instead() async throws {
        let diary = Diary()
        let (app, response) = try await send(.thrown, diary, Instead(diary: diary))
        #expect(response.status == .accepted)
        try await response.tasks.runAll()
        #expect(diary.entries == ["always 1", "instead", "durable instead"])
        #expect(log.lines.contains { $0.contains("handler failed, its tasks were dropped") })
        try await app.stop()
    }

    @Test("Middleware that throws drops the tasks of everything inside it, including durable ones")
    func refused() async throws {
        let diary = Diary()
        let (app, response) = try await send(.status, diary, Again(diary: diary), Refusing())
        #expect(response.status == .conflict)
        try await response.tasks.runAll()
        // A task of the middleware that has not thrown; the handler's task is one that runs after failures,
        // too.
        #expect(diary.entries == ["before", "always 1"])
        try await app.stop()
    }
}
