import HTTPTypes
import Testing

@testable import Postlude

@Suite("CORS")
struct CORSTests {
    private let shop = ("HTTP_ORIGIN", "https://shop.example")
    private let calls = Record<String>()

    private func response(_ request: RequestFixture, _ cors: CORS) async throws -> Response {
        let calls = calls
        return try await answer(
            to: request, through: cors,
            by: Handler("page") { () -> Response in
                calls.append("page")
                return Response(status: .ok, headers: [.vary: "Accept-Encoding"])
            })
    }

    @Test("a preflight request is answered before the handler, with what scripts may send")
    func preflight() async throws {
        let request = pageRequest("OPTIONS", [shop, ("HTTP_ACCESS_CONTROL_REQUEST_METHOD", "PUT")])
        let cors = CORS(
            origins: ["https://shop.example"], allowsCredentials: true, methods: [.get, .put],
            headers: ["X-Cart"], maxAge: .seconds(60))
        let headers = try await response(request, cors).headers
        #expect(calls.entries.isEmpty)
        #expect(headers[.accessControlAllowOrigin] == "https://shop.example" && headers[.vary] == "Origin")
        #expect(headers[.accessControlAllowMethods] == "GET, PUT")
        #expect(headers[.accessControlAllowHeaders] == "X-Cart" && headers[.accessControlMaxAge] == "60")
        #expect(headers[.accessControlAllowCredentials] == "true")
    }

    @Test("a preflight request of another origin is answered without the fields that would allow it")
    func otherPreflight() async throws {
        let origin = ("HTTP_ORIGIN", "https://shop.example.org")
        let request = pageRequest("OPTIONS", [origin, ("HTTP_ACCESS_CONTROL_REQUEST_METHOD", "PUT")])
        let response = try await response(request, CORS(origins: ["https://shop.example"]))
        #expect(response.status == .noContent && calls.entries.isEmpty)
        #expect(response.headers.map(\.name) == [.vary])
    }

    @Test("OPTIONS that is no preflight request is routed as always")
    func options() async throws {
        let response = try await response(pageRequest("OPTIONS", [shop]), .anyOrigin())
        #expect(response.status == .methodNotAllowed)
    }

    @Test("an answer names the origin, and the fields that its script may read")
    func allowed() async throws {
        let response = try await response(
            pageRequest("GET", [shop]), CORS(origins: ["https://shop.example"]))
        #expect(calls.entries == ["page"])
        #expect(response.headers[.accessControlAllowOrigin] == "https://shop.example")
        #expect(response.headers[.accessControlExposeHeaders] == "Location, Retry-After, Task-Id")
        #expect(response.headers[.accessControlAllowCredentials] == nil)
        #expect(response.headers[values: .vary] == ["Accept-Encoding", "Origin"])
    }

    @Test(
        "a cache is told that the answer depends on the origin, also if there is none or another",
        arguments: [[], [("HTTP_ORIGIN", "null")], [("HTTP_ORIGIN", "HTTPS://shop.example")]])
    func refused(parameters: [(String, String)]) async throws {
        let response = try await response(
            pageRequest("GET", parameters), CORS(origins: ["https://shop.example"]))
        #expect(response.status == .ok && response.headers[.accessControlAllowOrigin] == nil)
        #expect(response.headers[values: .vary] == ["Accept-Encoding", "Origin"])
    }

    @Test("all origins are allowed without credentials, and the answer depends on none")
    func anyOrigin() async throws {
        let response = try await response(pageRequest("GET", [shop]), .anyOrigin(exposing: []))
        #expect(response.headers[.accessControlAllowOrigin] == "*")
        #expect(response.headers[.accessControlAllowCredentials] == nil)
        #expect(response.headers[.accessControlExposeHeaders] == nil)
        #expect(response.headers[values: .vary] == ["Accept-Encoding"])
    }

    @Test("the answer to an error has the fields, so that the script can read it")
    func error() async throws {
        let response = try await answer(
            to: pageRequest("GET", [shop]), through: CORS(origins: ["https://shop.example"]),
            by: Handler("page") { () throws -> Response in throw HTTPError(.gone) })
        #expect(response.status == .gone)
        #expect(response.headers[.accessControlAllowOrigin] == "https://shop.example")
    }
}
