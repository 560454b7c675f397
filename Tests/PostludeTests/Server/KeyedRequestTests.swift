import HTTPTypes
import PostludeFastCGI
import PostludeManifest
import PostludeRouting
import PostludeSystem
import PostludeThreads
import Testing

@testable import Postlude

/// How a worker serves a request with an `Idempotency-Key`, with a store that says what the test wants.
@Suite("Requests with a key")
struct KeyedRequestTests {
    private final class Held: Sendable {
        private let events: Record<String>
        init(_ events: Record<String>) { self.events = events }
        deinit { events.append("released") }
    }

    private struct Tenant: IdempotencyPrincipal {
        var idempotencyPrincipal: String { "tenant" }
        init(request: Request) {}
    }

    private struct User: IdempotencyPrincipal {
        let idempotencyPrincipal: String
        static var dependencies: [any RequestDependency.Type] { [Tenant.self] }
        init(request: Request) throws { idempotencyPrincipal = request.header("X-User") ?? "" }
    }

    private struct Connection: RequestDependency {
        init(request: Request) throws {
            guard request.header("X-User") != "nobody" else { throw HTTPError(.forbidden) }
            RecordedStore.current?.events.append("connected")
        }
    }

    private let log = RecordedLog()
    private let store = RecordedStore()
    private var events: [String] { store.events.entries }
    private var logText: String { log.entries.map { "\($0.message) \($0.metadata)" }.joined() }

    private struct Answer {
        let status: Int
        let headers: HTTPFields
        let text: String
    }

    private func generation(hasStore: Bool = true, _ handlers: [Handler], _ routes: String) throws
        -> Generation
    {
        let manifest = try Manifest.parse(
            routes, file: "routes.yaml", handlers: handlers.map(\.name), environment: [:])
        return try Generation(
            manifest, number: 1, handlers: Handlers(handlers).byName, hooks: ApplicationHooks(),
            registry: TaskRegistry(store: hasStore ? store : nil), logger: log.logger,
            observability: Observability(logger: log.logger))
    }

    /// Serves a request up to finish.
    private func send(
        method: String = "POST", key: String? = "k", user: String = "ada", hasStore: Bool = true,
        routes: String = "routes: [{ path: /a, methods: [POST, PUT], handler: h, idempotency: {} }]",
        _ handler: Handler
    ) async throws -> Answer {
        let generation = try generation(hasStore: hasStore, [handler], routes)
        var request = RequestFixture()
        request.method = method
        request.uri = "/a"
        request.parameters = [("HTTP_X_USER", user)] + (key.map { [("HTTP_IDEMPOTENCY_KEY", $0)] } ?? [])
        let (head, logger, store) = (try request.head(), log.logger, store)
        return try await onThread {
            try RecordedStore.$current.withValue(store) {
                let execution = generation.responder.respond(
                    to: head, body: BodySource([]),
                    as: generation.router.resolve(head, using: try RouteMatcher()), on: WorkerExecutor())
                execution.persistTasks(after: 0, retryAfter: .seconds(7), logger: logger)
                let response = execution.response
                return Answer(
                    status: response.status.code, headers: response.headers,
                    text: String(decoding: response.body.bytes ?? [], as: UTF8.self))
            }
        }
    }

    private var handler: Handler {
        Handler("h") { [store] (user: Dependency<User>, _: Dependency<Connection>) in
            store.events.append("handled for \(user.idempotencyPrincipal)")
            return "yes"
        }
    }

    @Test(
        "The principals are computed first, then the key begins, then the other dependencies and the handler follow"
    )
    func order() async throws {
        store.answerKeys { [store] _ in .first(lock: Held(store.events)) }
        let answer = try await send(handler)
        #expect(answer.status == 200 && answer.text == "\"yes\"")
        #expect(
            events == [
                #"begin POST /a ["tenant", "ada"] k"#, "connected", "handled for ada", "persist ", "released",
            ])
        let kept = try #require(store.answers.entries.first)
        #expect(kept.status == 200 && kept.reason == "OK" && kept.body == Array("\"yes\"".utf8))
        #expect(kept.keep == .seconds(24 * 60 * 60) && kept.fingerprint.count == 32 && kept.taskIDs.isEmpty)
    }

    @Test("A handler that does not return releases the key without an answer")
    func thrown() async throws {
        store.answerKeys { [store] _ in .first(lock: Held(store.events)) }
        #expect(try await send(user: "nobody", handler).status == 403)
        #expect(events == [#"begin POST /a ["tenant", "nobody"] k"#, "released"])
        #expect(store.answers.entries.isEmpty)
    }

    @Test("If the answer cannot be persisted, the request is answered 503")
    func notPersisted() async throws {
        store.answerKeys { [store] _ in .first(lock: Held(store.events)) }
        store.fail(with: RecordedTask.Refused())
        let answer = try await send(handler)
        #expect(answer.status == 503 && answer.headers[.retryAfter] == "7")
        #expect(events.last == "released")
    }

    @Test("A key that is in flight is 409; a store that is full, or cannot be read, is 503 and logged")
    func unavailable() async throws {
        store.answerKeys { _ in .inFlight }
        let inFlight = try await send(handler)
        #expect(inFlight.status == 409 && inFlight.headers[.retryAfter] == "1")
        store.answerKeys { _ in .full }
        let full = try await send(handler)
        #expect(full.status == 503 && full.headers[.retryAfter] == "7")
        #expect(logText.contains("task-store.max-answers"))
        store.answerKeys { _ in throw RecordedTask.Refused() }
        let failing = try await send(handler)
        #expect(failing.status == 503 && failing.headers[.retryAfter] == "7")
        #expect(!events.contains { $0.hasPrefix("handled") })
    }

    @Test("A repetition gets what the store has, if its request is the same")
    func replayed() async throws {
        store.answerKeys { [store] _ in .first(lock: Held(store.events)) }
        _ = try await send(handler)
        let kept = try #require(store.answers.entries.first)
        store.answerKeys { _ in
            var answer = kept
            answer.taskIDs = ["a", "b"]
            return .answered(answer)
        }
        let taskID = try #require(HTTPField.Name("Task-Id"))
        let same = try await send(handler)
        #expect(
            same.status == 200 && same.text == "\"yes\"" && same.headers[taskID] == "a, b")
        #expect(try await send(method: "PUT", handler).status == 422)
        #expect(events.count { $0.hasPrefix("handled") } == 1)
    }

    @Test("A request without a key, or on a route that ignores keys, does not use the store")
    func ignored() async throws {
        #expect(try await send(key: nil, handler).status == 200)
        let routes = "routes: [{ path: /a, method: POST, handler: h }]"
        #expect(try await send(routes: routes, handler).status == 200)
        let group = "routes: [{ idempotency: {}, routes: [{ path: /a, methods: [GET, POST], handler: h }] }]"
        #expect(try await send(method: "GET", routes: group, handler).status == 200)
        #expect(events == Array(repeating: ["connected", "handled for ada"], count: 3).flatMap(\.self))
    }

    @Test("Without a store the request is answered 500, and the log says what is missing")
    func noStore() async throws {
        #expect(try await send(hasStore: false, handler).status == 500)
        #expect(logText.contains("`idempotency`") && logText.contains("`taskEngine`"))
    }

    @Test(
        "`check` refuses idempotency without durable tasks, and for a handler that reads its body in pieces")
    func checks() throws {
        var handlers = Handlers([handler, Handler("pieces") { (_: BodyStream) in }])
        let yaml = """
            routes:
              - { path: /a, method: POST, handler: h, idempotency: {} }
              - { path: /b, method: POST, handler: pieces, idempotency: {} }
              - { path: /c, method: POST, handler: pieces }
            """
        handlers.hasTaskEngine = false
        let error = try #require(throws: ManifestError.self) {
            _ = try handlers.manifest(yaml, file: "routes.yaml", environment: [:])
        }
        let texts = error.diagnostics.map(\.description).sorted()
        #expect(texts.count == 2)
        #expect(
            texts.first?.contains("2:56: the application has no durable tasks, expected no `idempotency`")
                == true)
        #expect(
            texts.last?.contains("3:13: the handler \"pieces\" reads the body in pieces (BodyStream)") == true
        )
    }

    private struct Upload: Decodable, Sendable { var file: UploadedFile }

    private struct Pieces: RequestInput {
        static var bodyUse: BodyUse { .stream }
        init(request: Request) {}
    }

    private struct News: ResponseConvertible {
        static var answers: [OperationDescription.ResponseDescription] {
            [
                .init(
                    .ok,
                    content: [.init("text/event-stream; charset=utf-8", schema: Schema(["type": "string"]))])
            ]
        }

        func response() -> Response { .events(AsyncStream { $0.finish() }) }
    }

    @Test(
        "`check` refuses idempotency for each type that reads the body in pieces, or says that it is a stream"
    )
    func streams() throws {
        let refused = Handlers([
            Handler("form") { (_: Multipart<Upload>) in }, Handler("any-form") { (_: MultipartForm) in },
            Handler("own") { (_: Pieces) in }, Handler("news") { News() },
        ])
        let taken = Handlers([
            Handler("whole") { (_: JSONBody<[String: Int]>) in }, Handler("response") { Response() },
        ])
        func manifest(_ handlers: Handlers) throws {
            let routes = handlers.all.map {
                "  - { path: /\($0.name), method: POST, handler: \($0.name), idempotency: {} }"
            }
            _ = try handlers.manifest(
                "routes:\n" + routes.joined(separator: "\n"), file: "routes.yaml", environment: [:])
        }
        let error = try #require(throws: ManifestError.self) { try manifest(refused) }
        let texts = error.diagnostics.map(\.description)
        #expect(texts.count == 4)
        for (text, part) in zip(
            texts, ["(Multipart<Upload>)", "(MultipartForm)", "(Pieces)", "a stream of events"])
        {
            #expect(text.contains(part) && text.contains("expected no `idempotency`"))
        }
        try manifest(taken)
    }
}
