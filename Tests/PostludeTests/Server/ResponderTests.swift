import HTTPTypes
import PostludeRouting
import PostludeThreads
import Testing

@testable import Postlude

@Suite("Responder")
struct ResponderTests {
    private struct Failure: Error {}

    private struct Marking: Middleware {
        let name: String
        let calls: Record<String>

        func respond(to request: Request, next: Next) async throws -> Response {
            calls.append("\(name) in")
            let response = try await next(request)
            calls.append("\(name) out \(response.status.code)")
            return response
        }
    }

    private let calls = Record<String>()

    private static func response(to request: RequestFixture, of generation: Generation) throws -> Response {
        let head = try request.head()
        return generation.responder.respond(
            to: head, body: BodySource([]),
            as: generation.router.resolve(head, using: try RouteMatcher()), on: WorkerExecutor()
        ).response
    }

    /// The status, the body, and the log's text.
    private func answer(
        _ request: RequestFixture, hooks: ApplicationHooks = ApplicationHooks(), _ handler: Handler
    ) async throws -> (status: Int, headers: HTTPFields, body: String, log: RecordedLog) {
        var fixture = try ServerFixture(
            "routes: [{ path: /a, method: GET, handler: \(handler.name) }]", [handler])
        fixture.hooks = hooks
        let server = fixture
        return try await onThread {
            let response = try Self.response(to: request, of: server.generation())
            return (
                response.status.code, response.headers,
                String(decoding: response.body.bytes ?? [], as: UTF8.self), server.log
            )
        }
    }

    @Test("makes a response of the handler's result, sync or async")
    func values() async throws {
        let sync = try await answer(.get("/a"), Handler("sync") { () in "yes" })
        #expect(sync.status == 200 && sync.body == "\"yes\"")
        let async = try await answer(
            .get("/a"),
            Handler("async") { () async -> String in
                await Task.yield()
                return "yes"
            })
        #expect(async.status == 200 && async.body == "\"yes\"")
    }

    @Test("answers 404, 405 with the methods, and 400, without a handler")
    func noRoute() async throws {
        let handler = Handler("a") {}
        #expect(try await answer(.get("/b"), handler).status == 404)
        #expect(try await answer(.get("/%"), handler).status == 400)
        var request = RequestFixture.get("/a")
        request.method = "DELETE"
        let refused = try await answer(request, handler)
        #expect(refused.status == 405 && refused.headers[.allow] == "GET, HEAD")
    }

    @Test("hides a server error from the client, and logs all of it")
    func failure() async throws {
        let failed = try await answer(.get("/a"), Handler("a") { () throws -> Response in throw Failure() })
        #expect(failed.status == 500 && !failed.body.contains("Failure"))
        let entry = try #require(failed.log.entries("handler failed").first)
        #expect(entry.metadata["error"]?.contains("Failure") == true && entry.metadata["route"] == "/a")
        let gone = try await answer(
            .get("/a"), Handler("a") { () throws -> Response in throw HTTPError(.gone) })
        #expect(gone.status == 410 && gone.log.entries("handler failed").isEmpty)
    }

    @Test("the application can answer an error itself, and a response that cannot be written is a failure")
    func hooks() async throws {
        let hooks = ApplicationHooks(response: { error, _ in
            error is Failure ? Response(status: .init(code: 418)) : nil
        })
        let handler = Handler("a") { () throws -> Response in throw Failure() }
        #expect(try await answer(.get("/a"), hooks: hooks, handler).status == 418)
        let broken = Handler("a") { () in
            Response(status: .ok, headers: [.server: String(repeating: "x", count: 1 << 20)])
        }
        #expect(try await answer(.get("/a"), broken).status == 500)
    }

    private struct Refused: ProblemConvertible {
        var status = HTTPResponse.Status.conflict
        var problem: Problem {
            Problem(status, type: "/problems/refused", title: "Refused", members: ["left": 2])
        }
    }

    @Test(
        "an application that asks for problem details gets them for all errors, and nothing internal in them")
    func problemDetails() async throws {
        let hooks = ApplicationHooks(errorFormat: .problemDetails)
        let handler = Handler("a") { (id: Query<Int>) throws -> Response in throw Failure() }
        var delete = RequestFixture.get("/a")
        delete.method = "DELETE"
        for (request, status) in [
            (.get("/b"), 404), (.get("/%"), 400), (.get("/a"), 422), (.get("/a?id=1"), 500), (delete, 405),
        ] {
            let refused = try await answer(request, hooks: hooks, handler)
            #expect(refused.status == status)
            #expect(refused.body.contains("\"status\":\(status),\"title\":"), "\(refused.body)")
            #expect(!refused.body.contains("Failure"))
        }
    }

    @Test("an error that is a problem says so in any format, and is logged if it is the server's fault")
    func problems() async throws {
        let thrown = try await answer(
            .get("/a"), Handler("a") { () throws -> Response in throw Refused() })
        #expect(thrown.status == 409 && thrown.log.entries("handler failed").isEmpty)
        #expect(thrown.body.contains(#""left":2,"status":409,"title":"Refused","type":"/problems/refused""#))
        let own = try await answer(
            .get("/a?token=secret"), hooks: ApplicationHooks(errorFormat: .problemDetails),
            Handler("a") { () throws -> Response in throw Refused(status: .badGateway) })
        #expect(own.status == 502 && own.log.entries("handler failed").count == 1)
        #expect(own.body.contains(#""instance":"/a""#) && !own.body.contains("secret"))
    }

    @Test("middleware is called around the handler in order, and sees the response to an error")
    func middleware() async throws {
        let hooks = ApplicationHooks(middleware: ["outer", "inner"].map { Marking(name: $0, calls: calls) })
        let handler = Handler("a") { () throws -> Response in throw HTTPError(.gone) }
        #expect(try await answer(.get("/a"), hooks: hooks, handler).status == 410)
        #expect(calls.entries == ["outer in", "inner in", "inner out 410", "outer out 410"])
    }

    @Test("middleware of a route is inside the application's, and no other request passes it")
    func routeMiddleware() async throws {
        let marks = Dictionary(
            uniqueKeysWithValues: ["group", "own"].map { ($0, Marking(name: $0, calls: calls)) })
        var fixture = try ServerFixture(
            """
            routes:
              - { path: /a, method: GET, handler: a }
              - { middleware: [group], prefix: /b, routes: [{ path: /a, method: GET, handler: a, middleware: [own] }] }
            """, [Handler("a") {}], middleware: ["group", "own"])
        fixture.hooks = ApplicationHooks(
            middleware: [Marking(name: "outer", calls: calls)], routeMiddleware: marks)
        let server = fixture
        try await onThread {
            let generation = try server.generation()
            for (uri, status) in [("/b/a", 204), ("/a", 204), ("/b", 404)] {
                let response = try Self.response(to: .get(uri), of: generation)
                #expect(response.status.code == status)
            }
        }
        #expect(
            calls.entries == [
                "outer in", "group in", "own in", "own out 204", "group out 204", "outer out 204",
                "outer in", "outer out 204", "outer in", "outer out 404",
            ])
    }
}
