import Foundation
import Testing

@testable import Postlude
@testable import PostludeManifest

@Suite struct RoutePathsTests {
    private let paths: RoutePaths

    init() throws {
        let manifest = try Manifest.parse(
            """
            prefix: /api
            routes:
              - { path: "/rooms/{id:int}", method: GET, handler: room }
              - { path: "/rooms/{id:int}/{day}", method: GET, handler: room }
              - { path: "/rooms", methods: [GET, POST], handler: rooms }
              - { path: "/files/{rest:path}", method: GET, handler: file }
              - { path: "/users/{id:uuid}", method: GET, handler: user }
              - { path: "/codes/{code:[A-Z]{2}}", method: GET, handler: code }
              - { regex: "/odd/(?<n>\\\\d+)", method: GET, handler: odd }
            """, file: "routes.yaml", handlers: ["room", "rooms", "file", "user", "code", "odd"])
        paths = RoutePaths(manifest.routes)
    }

    @Test func `a request writes a UUID in lower case, and a date in RFC 3339`() throws {
        var fixture = RequestFixture()
        fixture.routes = paths
        let request = try fixture.request()
        let id = try #require(UUID(uuidString: "E621E1F8-C36C-495A-93FC-0C247A3E6E5F"))
        #expect(try request.path(of: "user", ["id": id]) == "/api/users/e621e1f8-c36c-495a-93fc-0c247a3e6e5f")
        let day = Date(timeIntervalSince1970: 1_896_091_200)
        let text = try paths.path(of: "room", ["id": "7", "day": "2030-01-31T12:00:00Z"])
        #expect(try request.path(of: "room", ["id": 7, "day": day]) == text)
        let query = try request.path(of: "rooms", query: ["q": "a&b=c d", "on": true, "é": day])
        #expect(query == "/api/rooms?q=a%26b%3Dc%20d&on=true&%C3%A9=2030-01-31T12%3A00%3A00Z")
    }

    @Test func `a path is made of the pattern and the values, with the prefix`() throws {
        #expect(try paths.path(of: "room", ["id": "7"]) == "/api/rooms/7")
        #expect(try paths.path(of: "room", ["id": "7", "day": "a b/ä%"]) == "/api/rooms/7/a%20b%2F%C3%A4%25")
        #expect(try paths.path(of: "rooms", [:]) == "/api/rooms")
        #expect(try paths.path(of: "file", ["rest": "a/b c"]) == "/api/files/a/b%20c")
        #expect(try paths.path(of: "file", ["rest": ""]) == "/api/files/")
        #expect(try paths.path(of: "code", ["code": "DE"]) == "/api/codes/DE")
    }

    @Test(arguments: [
        (
            "none", [:] as [String: String],
            "there is no path to \"none\": the manifest has no route with this handler"
        ),
        ("room", ["room": "7"], "there is no path to \"room\" with the parameters room; its routes are"),
        ("rooms", ["id": "7"], "there is no path to \"rooms\" with the parameters id"),
        ("room", ["id": "x"], "\"x\" cannot be the parameter id of /api/rooms/{id:int}"),
        ("room", ["id": "7", "day": ".."], "\"..\" cannot be the parameter day"),
        ("room", ["id": "7", "day": ""], "\"\" cannot be the parameter day"),
        ("room", ["id": "7", "day": "a\0"], "cannot be the parameter day"),
        ("file", ["rest": "a/../b"], "cannot be the parameter rest"),
        ("file", ["rest": "a//b"], "cannot be the parameter rest"),
        ("user", ["id": "1"], "\"1\" cannot be the parameter id"),
        ("code", ["code": "de"], "\"de\" cannot be the parameter code"),
        ("odd", ["n": "1"], "there is no path to \"odd\": its route is the expression"),
    ])
    func `values that no request could have are an error that says so`(
        handler: String, values: [String: String], message: String
    ) {
        let error = #expect(throws: RoutePathError.self) { try paths.path(of: handler, values) }
        #expect("\(error.map { "\($0)" } ?? "")".contains(message))
    }
}
