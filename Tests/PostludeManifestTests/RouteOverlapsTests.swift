import Testing

@Suite("Routes that can never match")
struct RouteOverlapsTests {
    private func found(_ routes: String...) -> [String] {
        let items = routes.map { "  - { \($0), handler: home }\n" }
        return mistakes("routes:\n" + items.joined())
    }

    private func never(_ line: Int, _ column: Int = 13, by earlier: Int) -> String {
        "routes.yaml:\(line):\(column): this route can never match: the route in line \(earlier) "
            + "matches all of its "
            + "requests first"
    }

    @Test(
        "A route after one that matches all of its paths is reported with that route's line",
        arguments: [
            ("/a/{x}", "/a/b"), ("/a/{x}", "/a/{y:int}"), ("/{rest:path}", "/a/b/c"),
            ("/a/{rest:path}", "/a/b"),
            ("/{x}/{y}", "/a/{z:slug}"), ("/a/{x:int}", "/a/7"), ("/a/{x:path}", "/a/b/{y:path}"),
            ("/{x}", "/v{y:int}.json"), ("/v{x}.json", "/v{y:int}.json"), ("/a/{x:path}", "/a/{y:[0-9]+}"),
            ("/a//b", "/a/b"), ("/a/{x:path}", "/a/"), ("/f-{x:path}", "/f-{y:int}/b"),
        ])
    func covered(earlier: String, later: String) {
        let found = found("path: '\(earlier)', method: GET", "path: '\(later)', method: GET")
        #expect(found == [never(3, by: 2)])
    }

    @Test(
        "A route that matches paths which earlier ones do not match is not reported",
        arguments: [
            ("/a/b", "/a/{x}"), ("/a/{x:int}", "/a/{y}"), ("/a/{x}", "/b/{x}"), ("/a/{x}", "/a/b/c"),
            ("/a/{x}", "/a"), ("/a/{x}", "/a/{y:path}"),
        ])
    func notCovered(earlier: String, later: String) {
        #expect(found("path: '\(earlier)', method: GET", "path: '\(later)', method: GET") == [])
    }

    @Test("A route is reported only if earlier ones take all of its methods")
    func methods() {
        #expect(found("path: '/a/{x}', method: GET", "path: /a/b, method: POST") == [])
        #expect(found("path: '/a/{x}', method: GET", "path: /a/b, methods: [GET, POST]") == [])
        #expect(
            found("path: '/a/{x}', methods: [POST, GET]", "path: /a/b, method: POST") == [never(3, by: 2)])
    }

    @Test("A route for GET also takes HEAD, but a route for HEAD does not take GET")
    func head() {
        #expect(found("path: '/a/{x}', method: GET", "path: /a/b, method: HEAD") == [never(3, by: 2)])
        #expect(found("path: '/a/{x}', method: HEAD", "path: /a/b, method: GET") == [])
    }

    @Test("A route whose methods several routes take is reported with all of their lines")
    func several() {
        let found = found(
            "path: '/a/{x}', method: GET", "path: '/{y}/{x}', method: POST",
            "path: /a/b, methods: [GET, POST]")
        #expect(
            found == [
                "routes.yaml:4:13: this route can never match: the routes in lines 2, 3 match all of "
                    + "its requests first"
            ])
    }

    @Test("A duplicate route is reported as a duplicate")
    func equal() {
        let twice = "routes.yaml:3:13: this route appears twice; the first is in line 2"
        #expect(found("path: /a, method: GET", "path: /a, method: GET") == [twice])
        #expect(found("path: '/a/{x:path}', method: GET", "path: '/a/{x:path}', method: GET") == [twice])
        let regex = "routes.yaml:3:14: this route appears twice; the first is in line 2"
        #expect(found("regex: ^/a$, method: GET", "regex: ^/a$, method: GET") == [regex])
    }

    @Test("A parameter's name makes no difference")
    func names() {
        #expect(found("path: '/{a}', method: GET", "path: '/{b}', method: GET") == [never(3, by: 2)])
    }

    @Test("A raw expression after a route that matches everything below its literal start is reported")
    func regex() {
        #expect(
            found("path: '/a/{rest:path}', method: GET", "regex: ^/a/\\d+$, method: GET") == [
                never(3, 14, by: 2)
            ])
        #expect(found("path: '/a/{rest:path}', method: GET", "regex: ^/b/\\d+$, method: GET") == [])
        let yaml = """
            prefix: /api
            routes:
              - { path: '/a/{rest:path}', method: GET, handler: home }
              - { regex: '^/a/\\d+$', method: GET, handler: home }
            """
        #expect(mistakes(yaml) == [never(4, 14, by: 3)])
    }

    @Test("A thousand patterns that differ only in their parameters' types are compared within seconds")
    func bounded() {
        let types = ["", ":int", ":slug", ":uuid"]
        var yaml = "routes:\n"
        for index in 0..<1024 {
            let path = (0..<5).map { "/{a\($0)\(types[index >> ($0 * 2) & 3])}" }.joined()
            yaml += "  - { path: '\(path)', method: GET, handler: home }\n"
        }
        let taken = processorTime { #expect(mistakes(yaml).count == 1023) }
        #expect(taken < .seconds(30))
    }
}
