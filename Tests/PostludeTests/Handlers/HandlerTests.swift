import Foundation
import HTTPTypes
import PostludeThreads
import Testing

@testable import Postlude

private struct Item: Codable, Equatable {
    var id: Int
}

private struct Tenant: RequestInput {
    let name: String

    init(request: Request) throws {
        guard let name = request.header("X-Tenant") else { throw HTTPError(.forbidden, "No tenant") }
        self.name = name
    }
}

private struct Broken: Error, Equatable {}

private func noInput() -> Item { Item(id: 0) }
private func oneInput(item: Path<Item>) -> Item { item.value }
private func fourInputs(tasks: BackgroundTasks, item: Path<Item>, request: Request, query: Query<Item>)
    -> [Int]
{
    tasks.add {}
    return [item.id, query.id, request.body.count]
}
private func fourInputsAsync(
    query: Query<Item>, request: Request, tasks: BackgroundTasks, item: Path<Item>
) async throws -> [Int] {
    await Task.yield()
    return [item.id, query.id, request.body.count]
}
private func throwing(item: Path<Item>) throws -> Item { throw Broken() }
private func throwingTyped(item: Path<Item>) throws(Broken) -> Item { throw Broken() }
private func throwingAsync(item: Path<Item>) async throws -> Item { throw Broken() }
private func response(item: Path<Item>) -> Response { .text("\(item.id)", status: .accepted) }
private func responseAsync(item: Path<Item>) async throws -> Response { .html("<p>\(item.id)") }
private func nothing(item: Path<Item>) {}
private func nothingAsync() async throws {}
private func tenant(tenant: Tenant) -> [String: String] { ["tenant": tenant.name] }
@MainActor private func onMain(item: Path<Item>) async -> Item {
    MainActor.preconditionIsolated()
    return item.value
}
private struct Page: ResponseConvertible {
    var title: String
    func response() throws -> Response { title.isEmpty ? .text("none") : .html(title) }
}
/// Makes its response itself, although it could be JSON.
private struct Both: Encodable, ResponseConvertible {
    var title: String
    func response() throws -> Response { .text(title) }
}
/// Reads its own JSON, and leaves mistakes in it to the server.
private struct Settings: RequestInput {
    let item: Item
    init(request: Request) throws {
        item = try JSONDecoder().decode(Item.self, from: Data(request.header("X-Settings")?.utf8 ?? "".utf8))
    }
}
private func check() throws {}
private func checkAsync() async throws {}
private func body(body: JSONBody<Item>, query: Query<Item>, item: Path<Item>) -> Item { body.value }

@Suite("Handler")
struct HandlerTests {
    private static let fixture = RequestFixture.get("/items/7?id=3", route: "/items/{id}")

    /// A handler's response, as a client gets it.
    private func call(_ handler: Handler, _ fixture: RequestFixture = fixture) async throws -> Response {
        try await onThread {
            let request = try fixture.request()
            switch handler.function {
            case .sync(let function): return try function(request)
            case .async(let function): return try WorkerExecutor().run { try await function(request) }.get()
            }
        }
    }

    private func text(_ handler: Handler, _ fixture: RequestFixture = fixture) async throws -> String {
        String(decoding: try await call(handler, fixture).body.collect(), as: UTF8.self)
    }

    private func isSync(_ handler: Handler) -> Bool {
        if case .sync = handler.function { true } else { false }
    }

    @Test("accepts any number of inputs in any order")
    func inputs() async throws {
        #expect(try await text(Handler("a", noInput)) == #"{"id":0}"#)
        #expect(try await text(Handler("a", oneInput)) == #"{"id":7}"#)
        #expect(try await text(Handler("a", fourInputs)) == "[7,3,0]")
        #expect(try await text(Handler("a", fourInputsAsync)) == "[7,3,0]")
    }

    @Test("a function without await is called directly, an async one is not")
    func kinds() {
        #expect(isSync(Handler("a", noInput)))
        #expect(isSync(Handler("a", throwing)))
        #expect(isSync(Handler("a", response)))
        #expect(isSync(Handler("a", nothing)))
        #expect(isSync(Handler("a") { ["a": 1] }))
        #expect(!isSync(Handler("a", fourInputsAsync)))
        #expect(!isSync(Handler("a", responseAsync)))
        #expect(!isSync(Handler("a", nothingAsync)))
        #expect(
            !isSync(
                Handler("a") {
                    await Task.yield()
                    return ["a": 1]
                }))
    }

    @Test("a value is JSON with status 200")
    func value() async throws {
        let response = try await call(Handler("a", oneInput))
        #expect(response.status == .ok)
        #expect(response.contentType == "application/json")
    }

    @Test("a response is returned unchanged")
    func responses() async throws {
        let accepted = try await call(Handler("a", response))
        #expect(accepted.status == .accepted)
        #expect(accepted.body.bytes == Array("7".utf8))
        #expect(try await call(Handler("a", responseAsync)).contentType == "text/html; charset=utf-8")
        #expect(try await text(Handler("a") { .text("closure") }) == "closure")
    }

    @Test("no value is 204")
    func nothings() async throws {
        for handler in [Handler("a", nothing), Handler("a", nothingAsync), Handler("a") {}] {
            let response = try await call(handler)
            #expect(response.status == .noContent)
            #expect(response.body.count == 0)
        }
    }

    @Test("closures name their inputs' types")
    func closures() async throws {
        #expect(try await text(Handler("a") { (item: Path<Item>) in ["id": item.id] }) == #"{"id":7}"#)
        let three = Handler("a") { (item: Path<Item>, query: Query<Item>, request: Request) in
            let sum = item.id + query.id
            return ["sum": sum, "length": request.body.count]
        }
        #expect(try await text(three) == #"{"length":0,"sum":10}"#)
        let early = Handler("a") { (item: Path<Item>) in
            guard item.id < 5 else { throw HTTPError(.notFound) }
            return item.value
        }
        await #expect(throws: HTTPError.self) { try await call(early) }
    }

    @Test("closures of several statements need no types and no return")
    func statements() async throws {
        let nothing = [
            Handler("a") { (query: Query<Item>) in
                try check()
                try check()
            },
            Handler("a") { for _ in 0..<2 { try check() } },
            Handler("a") { (request: Request) in
                for _ in request.headers { try await checkAsync() }
            },
            Handler("a") {
                try await checkAsync()
                try await checkAsync()
            },
        ]
        for handler in nothing { #expect(try await call(handler).status == .noContent) }
        for handler in [
            Handler("a") { throw Broken() },
            Handler("a") { (query: Query<Item>) in throw Broken() },
            Handler("a") {
                await Task.yield()
                throw Broken()
            },
        ] {
            await #expect(throws: Broken()) { try await call(handler) }
        }
        #expect(try await text(Handler("a") { try .json(["a": 1], status: .created) }) == #"{"a":1}"#)
        #expect(
            try await text(
                Handler("a") { (query: Query<Item>) in
                    try await checkAsync()
                    return .text("\(query.id)")
                }) == "3")
    }

    @Test("an application's own response type makes its response, sync or async")
    func ownResponse() async throws {
        #expect(try await call(Handler("a") { Page(title: "x") }).contentType == "text/html; charset=utf-8")
        #expect(
            try await text(
                Handler("a") { (query: Query<Item>) in
                    try await checkAsync()
                    return Page(title: "")
                }) == "none")
        #expect(try await text(Handler("a") { Both(title: "x") }) == "x")
        #expect(
            try await text(
                Handler("a") {
                    try await checkAsync(); return Both(title: "x")
                }) == "x")
    }

    @Test(
        "an application's own input that cannot decode is the client's mistake; the program's text is not shown"
    )
    func ownDecoding() throws {
        let handler = Handler("a") { (query: Query<Item>, settings: Settings) in settings.item }
        guard case .sync(let function) = handler.function else { throw Broken() }
        func issues(_ settings: String) -> [String] {
            PostludeTests.issues {
                let fixture = RequestFixture(uri: "/?id=x", parameters: [("HTTP_X_SETTINGS", settings)])
                _ = try function(fixture.request())
            }.filter { !$0.hasPrefix("query.id") }
        }
        let wrong = "Input should be a valid value (value_error)"
        #expect(issues(#"{"id": "x"}"#) == ["request.id: \(wrong)"])
        #expect(issues("{}") == ["request.id: \(wrong)"])
        #expect(issues("{") == ["request: \(wrong)"])
    }

    @Test("an error that a function throws is passed on, typed or not, sync or async")
    func errors() async {
        for handler in [Handler("a", throwing), Handler("a", throwingTyped), Handler("a", throwingAsync)] {
            await #expect(throws: Broken()) { try await call(handler) }
        }
    }

    @Test("an async function of the main actor answers")
    func mainActor() async throws {
        #expect(try await text(Handler("a", onMain)) == #"{"id":7}"#)
    }

    @Test("an application's own input is accepted, or refuses with its own status")
    func ownInput() async throws {
        var fixture = Self.fixture
        let error = await #expect(throws: HTTPError.self) { try await call(Handler("a", tenant), fixture) }
        #expect(error?.status == .forbidden)
        #expect(error?.detail == "No tenant")
        fixture.parameters = [("HTTP_X_TENANT", "t")]
        #expect(try await text(Handler("a", tenant), fixture) == #"{"tenant":"t"}"#)
    }

    @Test("mistakes in several inputs are reported together, in order")
    func issues() async throws {
        var fixture = RequestFixture(method: "POST", uri: "/items/x", route: "/items/{id}", body: "{}")
        fixture.parameters = [("CONTENT_TYPE", "application/json")]
        let error = await #expect(throws: InputError.self) { try await call(Handler("a", body), fixture) }
        #expect(
            error?.issues.map(\.location) == [["body", "id"], ["query", "id"], ["path", "id"]])
    }

    @Test("an input that refuses with a status takes precedence over wrong ones, at any position")
    func refusal() async {
        let handler = Handler("a") { (query: Query<Item>, tenant: Tenant) in [query.id] }
        await #expect(throws: HTTPError.self) { try await call(handler, .get("/")) }
    }

    @Test("the function is not called if an input is wrong")
    func notCalled() async {
        let calls = Record<Int>()
        let handler = Handler("a") { (query: Query<Item>) in calls.append(query.id) }
        await #expect(throws: InputError.self) { try await call(handler, .get("/?id=x")) }
        #expect(calls.entries == [])
    }

    @Test("a value that JSON cannot represent is an error")
    func unencodable() async {
        await #expect(throws: EncodingError.self) { try await call(Handler("a") { [Double.nan] }) }
    }
}
