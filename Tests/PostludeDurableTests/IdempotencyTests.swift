import Foundation
import HTTPTypes
import Postlude
import PostludeDurable
import PostludeSystem
import PostludeTesting
import Testing

/// What a client that repeats a request gets, in an application's own tests.
@Suite("Requests with an Idempotency-Key")
struct IdempotencyTests {
    struct Charge: DurableTask {
        var order: String

        func run(_ context: TaskContext) async throws {
            try context.application(Shop.self).diary.note("charged \(order)")
        }
    }

    struct Order: Codable, Sendable {
        var id: String
        var then: String?
    }

    struct Customer: IdempotencyPrincipal {
        let name: String
        var idempotencyPrincipal: String { name }

        init(request: Request) async throws {
            guard let name = request.header("X-Customer") else { throw HTTPError(.unauthorized) }
            self.name = name
        }
    }

    final class Diary: Sendable {
        private let lines = Lock<[String]>([])

        var entries: [String] { lines.withLock { $0 } }
        func note(_ line: String) { lines.withLock { $0.append(line) } }
    }

    /// Marks each response with its number, and adds a task of its own.
    struct Numbering: Middleware {
        let diary: Diary

        func respond(to request: Request, next: Next) async throws -> Response {
            guard request.header("X-Refused") == nil else { throw HTTPError(.forbidden) }
            var response = try await next(request)
            diary.note("response")
            let number = diary.entries.count { $0 == "response" }
            response.headers[.server] = "\(number)"
            BackgroundTasks(request: request).add(named: "audit") { diary.note("audit \(number)") }
            if request.header("X-Repeated") != nil { response = try await next(request) }
            return response
        }
    }

    struct Shop: Application {
        let diary: Diary

        init() { self.init(diary: Diary()) }
        init(diary: Diary) { self.diary = diary }

        var handlers: Handlers {
            Handler("order") { (order: JSONBody<Order>, tasks: BackgroundTasks) throws -> Response in
                try answer(order.value, tasks)
            }
            Handler("order-of") {
                (order: JSONBody<Order>, customer: Dependency<Customer>, tasks: BackgroundTasks) async throws
                    -> Response in
                diary.note("for \(customer.name)")
                return try answer(order.value, tasks)
            }
            Handler("count") { (body: BodyStream) throws -> String in "\(try body.read()?.count ?? 0)" }
        }

        var routeMiddleware: KeyValuePairs<String, any Middleware> { ["numbering": Numbering(diary: diary)] }

        private func answer(_ order: Order, _ tasks: BackgroundTasks) throws -> Response {
            diary.note("ordered \(order.id)")
            try tasks.enqueue(Charge(order: order.id), unique: order.id == "unique" ? "u" : nil)
            tasks.add(named: "ordinary") { diary.note("ordinary \(order.id)") }
            var response = Response.text("accepted \(order.id)", status: .accepted)
            response.status = HTTPResponse.Status(code: 202, reasonPhrase: "Taken")
            response.headers.append(HTTPField(name: .setCookie, value: "a=1"))
            response.headers.append(HTTPField(name: .setCookie, value: "b=2"))
            response.headers[.date] = "Mon, 30 Nov 2026 07:00:00 GMT"
            switch order.then {
            case "throw": throw HTTPError(.conflict)
            case "fail": response.status = .badGateway
            case "refuse": response.status = .gone
            case "persist": _ = try tasks.persist()
            case "stream": response = .stream(contentType: "text/plain", AsyncStream { $0.finish() })
            case "file": response = try .file("/etc/hostname")
            case "large": response.body = .bytes([UInt8](repeating: 0x61, count: 256 << 10))
            case "too large": response.body = .bytes([UInt8](repeating: 0x61, count: (256 << 10) + 1))
            case "empty": return Response(status: .noContent)
            default: break
            }
            return response
        }

        var taskEngine: TaskEngine? { .durable { Charge.self } }
    }

    private static let manifest = """
        routes:
          - { path: /orders, methods: [POST, PUT], handler: order, idempotency: {} }
          - { path: /required, method: POST, handler: order, idempotency: { key: required } }
          - { path: /numbered, method: POST, handler: order, middleware: [numbering], idempotency: {} }
          - { path: "/of/{any}", method: POST, handler: order-of, idempotency: {} }
          - { path: /soon, method: POST, handler: order, idempotency: { keep: 1ms } }
          - { path: /plain, method: POST, handler: order }
        """

    private let diary = Diary()

    private func application() async throws -> TestApplication<Shop> {
        try await TestApplication(Shop(diary: diary), manifest: Self.manifest)
    }

    private static func request(
        _ order: Order = Order(id: "1"), key: String? = "k", at target: String = "/orders",
        _ headers: HTTPFields = [:]
    ) throws -> TestRequest {
        var headers = headers
        if let key, let name = HTTPField.Name("Idempotency-Key") { headers[name] = key }
        return try .post(target, json: order, headers: headers)
    }

    private static func fields(_ response: TestResponse) -> [String] {
        response.headers.map { "\($0.name): \($0.value)" }
    }

    private static func expectSame(
        _ second: TestResponse, _ first: TestResponse
    ) {
        #expect(second.status.code == first.status.code)
        #expect(second.status.reasonPhrase == first.status.reasonPhrase)
        #expect(fields(second) == fields(first).filter { !$0.hasPrefix("Date: ") && !$0.hasPrefix("date: ") })
        #expect(second.body == first.body)
    }

    @Test(
        "A repetition gets the first answer with its header fields and Task-Id; no handler is called, no task runs",
        arguments: [
            Order(id: "1"), Order(id: "1", then: "persist"), Order(id: "unique"),
            Order(id: "1", then: "large"),
        ])
    func repeated(order: Order) async throws {
        let application = try await application()
        let first = try await application.send(Self.request(order))
        #expect(first.status.code == 202 && first.status.reasonPhrase == "Taken")
        #expect(first.headers[.named("Task-Id")] != nil)
        #expect(first.headers[values: .setCookie] == ["a=1", "b=2"])
        try await first.tasks.runAll()
        let entries = ["ordered \(order.id)", "charged \(order.id)", "ordinary \(order.id)"]
        #expect(diary.entries == entries)
        for _ in 0..<2 {
            let second = try await application.send(Self.request(order))
            Self.expectSame(second, first)
            #expect(second.tasks.queued.isEmpty)
        }
        #expect(diary.entries == entries)
    }

    @Test("Without a key, or on a route that ignores it, a request is answered as always")
    func ignored() async throws {
        let application = try await application()
        for request in [
            try Self.request(key: nil), try Self.request(key: nil), try Self.request(at: "/plain"),
            try Self.request(at: "/plain"),
        ] {
            #expect(try await application.send(request).status == .accepted)
        }
        #expect(diary.entries.count == 4)
    }

    @Test("A key that is missing where it is required, or malformed, is 400, and the text says what to do")
    func badKeys() async throws {
        let application = try await application()
        let missing = try await application.send(Self.request(key: nil, at: "/required"))
        #expect(missing.status == .badRequest && missing.text.contains("needs the header Idempotency-Key"))
        for key in [
            "", "\"\"", "\"a", "a\"", "a b", "a, b", "\"a\" b", "\"a\";v=1", "\"\\a\"", "ä",
            String(repeating: "a", count: 256),
        ] {
            let response = try await application.send(Self.request(key: key))
            #expect(response.status == .badRequest, "\(key)")
            #expect(response.text.contains("must be one string of 1 to 255 bytes"))
        }
        #expect(diary.entries.isEmpty)
    }

    @Test("A key in quotes is the same as without them")
    func quotes() async throws {
        let application = try await application()
        for (key, other) in [
            ("k", "\"k\""),
            (String(repeating: "a", count: 255), "  \"\(String(repeating: "a", count: 255))\" "),
        ] {
            let first = try await application.send(Self.request(key: key))
            Self.expectSame(try await application.send(Self.request(key: other)), first)
        }
        _ = try await application.send(Self.request(key: "\"a \\\"b\\\\, c\""))
        #expect(diary.entries.count == 3)
    }

    @Test("The same key with another request is 422; with another method or route it is another key")
    func otherRequest() async throws {
        let application = try await application()
        let first = try await application.send(Self.request())
        #expect(first.status == .accepted)
        let (key, type) = (try #require(HTTPField.Name("Idempotency-Key")), HTTPField.Name.contentType)
        let body = Array(try JSONEncoder().encode(Order(id: "1")))
        for request in [
            try Self.request(Order(id: "2")), try Self.request(at: "/orders?a=1"),
            TestRequest.post(
                "/orders", body: body, headers: [key: "k", type: "application/json; charset=utf-8"]),
        ] {
            let response = try await application.send(request)
            #expect(response.status == .unprocessableContent)
            #expect(response.text.contains("was used for another request"))
        }
        #expect(diary.entries == ["ordered 1"])
        #expect(try await application.send(Self.request(at: "/required")).status == .accepted)
        let put = try TestRequest.put("/orders", json: Order(id: "1"), headers: [key: "k"])
        #expect(try await application.send(put).status == .accepted)
        #expect(diary.entries.count == 3)
    }

    @Test(
        "A handler that throws, or fails with 5xx, releases the key, and its tasks are dropped",
        arguments: ["throw", "fail"])
    func released(then: String) async throws {
        let application = try await application()
        for number in 1...2 {
            let response = try await application.send(Self.request(Order(id: "1", then: then)))
            #expect(response.status == (then == "throw" ? .conflict : .badGateway))
            #expect(response.headers[.named("Task-Id")] == nil && response.tasks.queued.isEmpty)
            #expect(diary.entries.count == number)
        }
        // The key is free for another request, too.
        #expect(try await application.send(Self.request()).status == .accepted)
    }

    @Test("An input's error is not kept; an answer that refuses is")
    func refusals() async throws {
        let application = try await application()
        let key = try #require(HTTPField.Name("Idempotency-Key"))
        let wrong = try await application.send(
            .post("/orders", body: Array("{}".utf8), headers: [key: "k", .contentType: "application/json"]))
        #expect(wrong.status == .unprocessableContent && diary.entries.isEmpty)
        let refused = try await application.send(Self.request(Order(id: "1", then: "refuse")))
        #expect(refused.status == .gone)
        Self.expectSame(try await application.send(Self.request(Order(id: "1", then: "refuse"))), refused)
        let empty = try await application.send(Self.request(Order(id: "2", then: "empty"), key: "e"))
        #expect(empty.status == .noContent)
        Self.expectSame(
            try await application.send(Self.request(Order(id: "2", then: "empty"), key: "e")), empty)
        #expect(diary.entries == ["ordered 1", "ordered 2"])
    }

    @Test(
        "An answer that cannot be kept is 500, and nothing runs", arguments: ["stream", "file", "too large"])
    func notKept(then: String) async throws {
        let application = try await application()
        for number in 1...2 {
            let response = try await application.send(Self.request(Order(id: "1", then: then)))
            #expect(response.status == .internalServerError)
            #expect(response.text.contains("request_id"))
            #expect(response.tasks.queued.isEmpty && diary.entries.count == number)
        }
        #expect(
            try await application.send(Self.request(Order(id: "1", then: then), key: nil)).status
                != .internalServerError)
    }

    @Test("Each principal has keys of its own, and one that is refused gets no answer")
    func principals() async throws {
        let application = try await application()
        func send(_ customer: String?) async throws -> TestResponse {
            var headers = HTTPFields()
            if let customer { headers[.named("X-Customer")] = customer }
            return try await application.send(Self.request(at: "/of/a", headers))
        }
        let ada = try await send("ada")
        #expect(ada.status == .accepted)
        #expect(try await send(nil).status == .unauthorized)
        let bob = try await send("bob")
        #expect(bob.headers[.named("Task-Id")] != ada.headers[.named("Task-Id")])
        Self.expectSame(try await send("ada"), ada)
        Self.expectSame(try await send("bob"), bob)
        #expect(diary.entries == ["for ada", "ordered 1", "for bob", "ordered 1"])
    }

    @Test("Middleware is called for a repetition, can refuse it, and does not change the answer")
    func middleware() async throws {
        let application = try await application()
        func send(_ headers: HTTPFields = [:]) async throws -> TestResponse {
            try await application.send(Self.request(at: "/numbered", headers))
        }
        let first = try await send()
        #expect(first.headers[.server] == "1")
        try await first.tasks.runAll()
        #expect(diary.entries == ["ordered 1", "response", "charged 1", "ordinary 1", "audit 1"])
        let second = try await send()
        Self.expectSame(second, first)
        #expect(second.tasks.queued.isEmpty && diary.entries.last == "response")
        #expect(try await send([.named("X-Refused"): "1"]).status == .forbidden)
        #expect(diary.entries.count { $0 == "ordered 1" } == 1)
    }

    @Test("If middleware calls next again, the key stays that request's")
    func middlewareRepeats() async throws {
        let application = try await application()
        let request = try Self.request(at: "/numbered", [.named("X-Repeated"): "1"])
        let first = try await application.send(request)
        #expect(first.status == .accepted && diary.entries.count { $0 == "ordered 1" } == 2)
        Self.expectSame(try await application.send(request), first)
        #expect(diary.entries.count { $0 == "ordered 1" } == 2)
    }

    @Test("After `keep`, the key is free")
    func kept() async throws {
        let application = try await application()
        _ = try await application.send(Self.request(at: "/soon"))
        while diary.entries.count < 2 { _ = try await application.send(Self.request(at: "/soon")) }
        #expect(diary.entries == ["ordered 1", "ordered 1"])
    }
}

extension HTTPField.Name {
    fileprivate static func named(_ name: String) -> Self {
        guard let name = Self(name) else { preconditionFailure("\(name) is not a token") }
        return name
    }
}
