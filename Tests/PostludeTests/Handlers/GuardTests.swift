import HTTPTypes
import PostludeManifest
import PostludeRouting
import PostludeThreads
import Testing

@testable import Postlude

@Suite("Guards before groups of routes")
struct GuardTests {
    private static let calls = Record<String>()

    private struct User: RequestDependency {
        static var dependencies: [any RequestDependency.Type] { [BearerToken.self] }
        let name: String

        init(request: Request) async throws {
            name = try request.dependency(BearerToken.self).value
            GuardTests.calls.append("computed \(name)")
            if name == "unknown" { throw BearerToken.invalid() }
        }
    }

    private struct Loop: RequestDependency {
        static var dependencies: [any RequestDependency.Type] { [Loop.self] }
        init(request: Request) {}
    }

    /// A server with a guarded group, and its answer to a request, whose body comes in pieces.
    private func answer(
        _ path: String, token: String?, pieces: [String] = [], failing error: HTTPError? = nil
    ) async throws -> (response: Response, read: Int) {
        var fixture = try ServerFixture(
            """
            routes:
              - { path: /open, method: POST, handler: open }
              - { prefix: /admin, middleware: [signed-in], routes: [
                  { path: /save, method: POST, handler: save }, { path: /loop, method: POST, handler: save, middleware: [loop] } ] }
            """,
            [
                Handler("open") { (request: Request) in String(decoding: request.body, as: UTF8.self) },
                Handler("save") { (user: Dependency<User>, request: Request) in
                    "\(user.name) \(String(decoding: request.body, as: UTF8.self))"
                },
            ], middleware: ["signed-in", "loop"])
        fixture.hooks = ApplicationHooks(
            routeMiddleware: ["signed-in": Guard(User.self), "loop": Guard(Loop.self)])
        let server = fixture
        return try await onThread {
            let generation = try server.generation()
            let fields = token.map { [("HTTP_AUTHORIZATION", "Bearer \($0)")] } ?? []
            let head = try RequestFixture(method: "POST", uri: path, parameters: fields).head()
            var rest = pieces[...]
            var read = 0
            let body = BodySource { _ in
                read += 1
                if rest.isEmpty, let error { throw error }
                return rest.popFirst().map { Array($0.utf8) }
            }
            let resolution = generation.router.resolve(head, using: try RouteMatcher())
            let execution = generation.responder.respond(
                to: head, body: body, as: resolution, on: WorkerExecutor())
            return (execution.response, read)
        }
    }

    private func text(_ response: Response) -> String {
        String(decoding: response.body.bytes ?? [], as: UTF8.self)
    }

    @Test(
        "a guarded route takes the request before its body is collected, if its handler does not read it in pieces"
    )
    func policy() {
        func readsLate(_ middleware: [any Middleware], _ handler: Handler) -> Bool {
            Router.Route(
                pattern: "/", handler: handler, middleware: middleware, limits: .init(), tasks: .init()
            ).readsBodyLate
        }
        let whole = Handler("whole") { (body: JSONBody<Int>) in body.value }
        let pieces = Handler("pieces") { (body: BodyStream) in }
        #expect(readsLate([Guard(User.self)], whole))
        #expect(!readsLate([], whole) && !readsLate([Guard(User.self)], pieces))
    }

    @Test("a refused request's body is not read, and its handler not called", arguments: [nil, "unknown"])
    func refused(token: String?) async throws {
        let (response, read) = try await answer("/admin/save", token: token, pieces: ["a"])
        #expect(response.status == .unauthorized && response.headers[.wwwAuthenticate] != nil)
        #expect(read == 0)
    }

    @Test("after the guard the whole body is read, and the handler gets the value that was computed")
    func accepted() async throws {
        let (response, read) = try await answer("/admin/save", token: "ada", pieces: ["a", "b"])
        #expect(text(response) == "\"ada ab\"" && read == 3)
        #expect(Self.calls.entries.count { $0 == "computed ada" } == 1)
    }

    @Test("a body that cannot be read is an error, and the handler is not called")
    func cutShort() async throws {
        let (response, read) = try await answer(
            "/admin/save", token: "grace", pieces: ["a"], failing: HTTPError(.requestTimeout))
        #expect(response.status == .requestTimeout && read == 2)
    }

    @Test("a dependency that needs itself is an error of the program")
    func cycle() async throws {
        #expect(try await answer("/admin/loop", token: "eve").response.status == .internalServerError)
    }

    @Test("middleware outside of a guard can still read the body, once")
    func middleware() throws {
        var pieces = ["a", "b"][...]
        let fixture = try RequestFixture.post("").request()
        fixture.storage.body = BodySource { _ in pieces.popFirst().map { Array($0.utf8) } }
        #expect(fixture.body.isEmpty)
        fixture.storage.body.isLate = true
        #expect(fixture.body == Array("ab".utf8) && fixture.body == Array("ab".utf8))
        try fixture.storage.body.collect()
        #expect(try fixture.storage.body.read() == Array("ab".utf8))
    }

    @Test("the API's document describes what a guard needs at each operation that it guards")
    func description() throws {
        let handlers = Handlers([Handler("a") {}])
        let manifest = try Manifest.parse(
            """
            routes:
              - { path: /open, method: GET, handler: a }
              - { path: /shut, method: GET, handler: a, middleware: [signed-in] }
            """, file: "routes.yaml", handlers: ["a"], middleware: ["signed-in"])
        let document = APIDocument(
            manifest, handlers: handlers.byName, guards: Guards(named: ["signed-in": Guard(User.self)]))
        let parts = document.node.text(isPretty: false).split(separator: "\"/shut\"")
        #expect(parts.count == 2)
        #expect(!parts[0].contains("\"security\"") && parts[1].contains(#""security":[{"bearer":[]}]"#))
        #expect(parts[1].contains("\"401\""))
    }
}
