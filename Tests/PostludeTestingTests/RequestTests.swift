import Postlude
import PostludeTesting
import Testing

@Suite("An application without sockets")
struct RequestTests {
    private let app: TestApplication<Bookshop>
    private var diary: [String] { app.application.diary.entries }

    init() async throws { app = try await TestApplication(Bookshop(), manifest: Bookshop.manifest) }

    @Test("is started first, and stopped when the test stops it")
    func lifecycle() async throws {
        #expect(diary == ["start"])
        try await app.stop()
        #expect(diary == ["start", "stop"])
    }

    @Test("a request returns at the response's boundary, with its tasks queued")
    func boundary() async throws {
        let response = try await app.send(.post("/orders/7"))
        #expect(response.status == .accepted)
        #expect(diary == ["start"])
    }

    @Test(
        "dependencies are computed once, in the order in which they need each other, and released in reverse")
    func dependencies() async throws {
        let response = try await app.send(.get("/profile", headers: [.init("X-Reader")!: "Ada"]))
        #expect(try response.json() == ["reader": "Ada", "shelf": "shelf of Ada"])
        #expect(
            diary == [
                "start", "open reader Ada", "open shelf of Ada", "handler Ada", "release shelf of Ada",
                "release reader Ada",
            ])
    }

    @Test("middleware of a group and of a route is around their handlers alone")
    func routeMiddleware() async throws {
        let plain = try await app.send(.get("/stocktaking"))
        let answered = diary
        #expect(!answered.contains { $0.hasPrefix("staff") || $0.hasPrefix("counted") })
        let staff = try await app.send(.get("/office/stocktaking"))
        #expect(staff.status == plain.status)
        #expect(
            diary.filter { $0.hasPrefix("staff") || $0.hasPrefix("counted") }
                == ["counted \(plain.status.code)", "staff \(plain.status.code)"])
    }

    @Test("a dependency that refuses is answered with its status, and no other code is called")
    func refusal() async throws {
        let response = try await app.send(.get("/profile"))
        #expect(response.status == .unauthorized)
        #expect(try response.json() == ["detail": "Who are you?"])
        #expect(diary == ["start"])
    }

    @Test("dependencies are released before the first task")
    func releaseBeforeTasks() async throws {
        let response = try await app.send(.get("/profile-with-task", headers: [.init("X-Reader")!: "Ada"]))
        #expect(diary.last == "release reader Ada")
        try await response.tasks.runAll()
        #expect(diary.suffix(2) == ["release reader Ada", "note Ada"])
    }

    @Test("a cancelled request is answered 504, its handler knows, and its tasks run as after a failure")
    func cancelled() async throws {
        var request = TestRequest.get("/stocktaking")
        #expect(try await app.send(request).status == .ok)
        request.isCancelled = true
        let response = try await app.send(request)
        #expect(response.status == .gatewayTimeout)
        #expect(response.tasks.queued.map(\.name) == ["unlock"])
        #expect(diary.suffix(3).contains("cancelled: true true"))
        #expect(diary.contains("cancelled: false false"))
    }

    @Test("middleware sees every response, including errors and paths without a route")
    func middleware() async throws {
        let stamp = "X-Stamp"
        for (target, expected) in [
            ("/sold-out", "410 /sold-out"), ("/broken", "500 /broken"), ("/nowhere", "404"),
            ("/orders/7", "405"),
        ] {
            let response = try await app.send(.get(target))
            #expect(response.headers[.init(stamp)!] == expected)
        }
    }

    @Test("middleware can keep a request from its handler")
    func banned() async throws {
        let response = try await app.send(.post("/orders/7", headers: [.init("X-Banned")!: "1"]))
        #expect(response.status == .forbidden)
        #expect(response.tasks.queued.isEmpty)
    }

    @Test("the application answers its own errors")
    func ownErrors() async throws {
        let response = try await app.send(.get("/sold-out"))
        #expect(response.status == .gone)
        #expect(response.text == "Emma is sold out")
    }

    @Test("an unexpected error is a 500 with the request's id and without the program's texts")
    func unexpected() async throws {
        let response = try await app.send(.get("/broken", headers: [.init("X-Request-ID")!: "abc-1"]))
        #expect(response.status == .internalServerError)
        #expect(try response.json() == ["detail": "Internal Server Error", "request_id": "abc-1"])
    }

    @Test("a body is read in pieces, within the route's limit")
    func body() async throws {
        let response = try await app.send(.post("/upload", body: [UInt8](repeating: 7, count: 1000)))
        #expect(try response.json() == ["bytes": 1000])
        let refused = try await app.send(.post("/upload", body: [UInt8](repeating: 7, count: 1025)))
        #expect(refused.status == .contentTooLarge)
    }

    @Test("a HEAD request is refused without a body, as by a server")
    func headIsRefused() async throws {
        let body = [UInt8](repeating: 7, count: 1025)
        let get = try await app.send(TestRequest(.get, "/profile", body: body))
        #expect(get.status == .contentTooLarge && !get.body.isEmpty)
        let head = try await app.send(TestRequest(.head, "/profile", body: body))
        #expect(head.status == .contentTooLarge && head.body.isEmpty)
    }

    @Test("an endless stream is read for as long as the client stays")
    func endlessStream() async throws {
        var request = TestRequest.get("/ticks")
        request.takenPieces = 3
        #expect(try await app.send(request).text == "tick tick tick ")
    }

    @Test("a manifest with mistakes is refused with all of them")
    func wrongManifest() async throws {
        await #expect(throws: (any Error).self) {
            _ = try await TestApplication(Bookshop(), manifest: "routes: [{ path: /x, handler: nobody }]")
        }
    }
}
