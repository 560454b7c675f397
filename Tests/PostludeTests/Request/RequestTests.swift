import HTTPTypes
import Testing

@testable import Postlude

@Suite("Request")
struct RequestTests {
    @Test("has the client's request and the route")
    func parts() throws {
        var fixture = RequestFixture.post("body")
        fixture.uri = "/a//b/%7Ec/../d?x=%41&y"
        fixture.parameters = [("REMOTE_ADDR", "10.0.0.1"), ("REMOTE_ADDR", "6.6.6.6"), ("HTTP_HOST", "h")]
        let request = try fixture.request()
        #expect(request.method == .post)
        #expect(request.path == "/a/b/d")
        #expect(request.query == "x=%41&y")
        #expect(request.queryItems.map(\.name) == ["x", "y"])
        #expect(request.route == "/{rest:path}")
        #expect(request.body == Array("body".utf8))
        #expect(request.fastCGIParameter("REMOTE_ADDR") == "10.0.0.1")
        #expect(request.fastCGIParameter("REMOTE_USER") == nil)
    }

    @Test("header fields are found in any case")
    func header() throws {
        let request = try RequestFixture(parameters: [("HTTP_X_TENANT", "a"), ("HTTP_ACCEPT", "")]).request()
        #expect(request.header("x-tenant") == "a")
        #expect(request.header("X-Tenant") == "a")
        #expect(request.header("X_TENANT") == nil)
        #expect(request.header("accept") == "")
        #expect(request.header("not a name") == nil)
        #expect(request.headers.count == 2)
    }

    @Test("is itself an input")
    func input() throws {
        let request = try RequestFixture.get("/a").request()
        #expect(Request(request: request).path == "/a")
    }
}
