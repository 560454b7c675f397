import HTTPTypes
import PostludeManifest
import PostludeRouting
import Testing

@Suite("Routes of a manifest")
struct ManifestRoutesTests {
    @Test(
        "A wrong route is reported with what was found and what was expected",
        arguments: [
            (
                "{ method: GET, handler: home }",
                "1:10: a route has neither of `path` and `regex`, expected one of them"
            ),
            (
                "{ path: /a, regex: ^/b$, method: GET, handler: home }",
                "1:22: a route has both `path` and `regex`, expected one of them"
            ),
            (
                "{ path: /a, handler: home }",
                "1:10: a route has neither of `methods` and `method`, expected one of them"
            ),
            (
                "{ path: /a, methods: [GET], method: GET, handler: home }",
                "1:38: a route has both `methods` and `method`, expected one of them"
            ),
            (
                "{ path: /a, method: GET }",
                "1:10: a route has no `handler`, expected the name of a handler"
            ),
            (
                "{ path: /a, method: get, handler: home }",
                "1:30: found `get` for `method`, expected upper case: GET"
            ),
            (
                "{ path: /a, method: \"G T\", handler: home }",
                "1:30: found `G T` for `method`, expected an HTTP method such as GET"
            ),
            (
                "{ path: /a, method: [GET], handler: home }",
                "1:30: found a list for `method`, expected an HTTP method such as GET"
            ),
            (
                "{ path: /a, methods: GET, handler: home }",
                "1:31: found `GET` for `methods`, expected a list of methods such as [GET, POST]"
            ),
            (
                "{ path: /a, methods: [], handler: home }",
                "1:31: found an empty list for `methods`, expected at least one of its methods such as "
                    + "[GET, POST]"
            ),
            (
                "{ path: /a, methods: [GET, GET], handler: home }",
                "1:37: the method GET appears twice in this route"
            ),
            (
                "{ path: /a, method: GET, handler: 404 }",
                "1:44: found the number 404 for `handler`, expected the name of a handler, in quotes "
                    + "if it is meant as text"
            ),
            (
                "{ path: /a, method: GET, handler: proces-item }",
                "1:44: unknown handler `proces-item` (nearest: process-item), expected one that the "
                    + "application registers"
            ),
            (
                "{ path: /a, method: GET, handler: zzzzzzzzzzzz }",
                "1:44: unknown handler `zzzzzzzzzzzz` (nearest: home), expected one that the "
                    + "application registers"
            ),
            (
                "{ path: /a, method: GET, handler: \"a\\tb\\e[0mcdefghi\" }",
                "1:44: unknown handler `a\\tb\\u{1B}[0mcdefghi` (nearest: home), expected one that "
                    + "the application registers"
            ),
            (
                "{ path: /a, method: GET, handler: home, limits: { head: 1k } }",
                "1:60: unknown key `head` in a route's `limits`; only the `limits` of the manifest itself "
                    + "can have it"
            ),
            (
                "{ path: /a, method: GET, handler: home, tasks: { wrn: 1s } }",
                "1:59: unknown key `wrn` in `tasks` (nearest: warn), expected warn, deadline, "
                    + "kill-time, max-queued or when-full"
            ),
            (
                "{ path: /a, method: GET, hanlder: home, handler: home }",
                "1:35: unknown key `hanlder` in a route (nearest: handler), expected path, regex, "
                    + "method, methods, handler, middleware, limits, tasks, idempotency, operation-id, summary, description, "
                    + "tags or deprecated"
            ),
            (
                "{ path: /a, method: GET, documentation: home, handler: home }",
                "1:35: unknown key `documentation` in a route (nearest: description), expected path, "
                    + "regex, method, methods, handler, middleware, limits, tasks, idempotency, operation-id, summary, description, tags or "
                    + "deprecated"
            ),
            (
                "{ path: /a, method: GET, [a]: home, handler: home }",
                "1:35: found a list as a key in a route, expected path, regex, method, methods, "
                    + "handler, middleware, limits, tasks, idempotency, operation-id, summary, description, "
                    + "tags or deprecated"
            ),
            (
                "{ path: /a, method: GET, 5: home, handler: home }",
                "1:35: found the number 5 as a key in a route, expected path, regex, method, "
                    + "methods, handler, middleware, limits, tasks, idempotency, operation-id, summary, description, "
                    + "tags or deprecated"
            ),
        ])
    func wrong(route: String, expected: String) {
        #expect(mistakes("routes: [\(route)]") == ["routes.yaml:" + expected])
    }

    @Test("Any HTTP token in upper case is a method")
    func methods() throws {
        let yaml = "routes: [{ path: /a, methods: [PROPFIND, M-SEARCH], handler: home }]"
        #expect(try parse(yaml).routes[0].methods.map(\.rawValue) == ["PROPFIND", "M-SEARCH"])
    }

    @Test("An application without handlers gets an error that says so")
    func noHandlers() {
        let yaml = "routes: [{ path: /a, method: GET, handler: home }]"
        let expected = "routes.yaml:1:44: unknown handler `home`: the application registers none"
        #expect(mistakes(yaml, handlers: []) == [expected])
    }

    @Test(
        "A pattern's mistake is reported at its own column, also after quotes and escapes",
        arguments: [
            ("path: /a/{b", 14),
            ("path: \"/a/{b\"", 15),
            ("path: '/it''s/{b'", 19),
            ("path: \"/\\x41\\u0041\\\"/{b\"", 26),
            ("path: /😀é/{b", 15),
            ("path: >-\n      /a/{b", 11),
        ])
    func patternColumn(path: String, column: Int) throws {
        let error = try #require(throws: RoutePattern.SyntaxError.self) { try RoutePattern("/a/{b") }
        let yaml = "routes:\n  - \(path)\n    method: GET\n    handler: home"
        #expect(mistakes(yaml) == ["routes.yaml:2:\(column): \(error.message)"])
    }

    @Test("A path that does not begin with a slash is reported at its beginning")
    func noSlash() throws {
        let error = try #require(throws: RoutePattern.SyntaxError.self) { try RoutePattern("a") }
        let yaml = "routes: [{ path: a, method: GET, handler: home }]"
        #expect(mistakes(yaml) == ["routes.yaml:1:18: \(error.message)"])
    }

    @Test("A regular expression's mistake is reported at its own column")
    func regexColumn() throws {
        let error = try #require(throws: RoutePattern.SyntaxError.self) { try RoutePattern(regex: "^/a)$") }
        let yaml = "routes:\n  - regex: ^/a)$\n    method: GET\n    handler: home"
        #expect(mistakes(yaml) == ["routes.yaml:2:15: \(error.message)"])
    }

    @Test("A prefix's mistake is reported at its own column")
    func prefixColumn() throws {
        let error = try #require(throws: RoutePattern.SyntaxError.self) { try RoutePattern("/a?b") }
        #expect(
            mistakes(manifest("prefix: /a?b")) == ["routes.yaml:1:11: the prefix `/a?b`: \(error.message)"])
    }

    @Test(
        "A group gives its routes its prefix, middleware, limits and tasks, and those of the groups around it"
    )
    func groups() throws {
        let routes = try parse(
            """
            prefix: /api
            limits: { body: 1k, read-time: 5s }
            routes:
              - prefix: /a
                middleware: [signed-in]
                limits: { body: 2k }
                tasks: { warn: 1s }
                routes:
                  - prefix: /b
                    middleware: [audit]
                    routes:
                      - { path: "/{id:int}", method: GET, handler: home, limits: { read-time: 6s } }
                  - { path: /c, method: GET, handler: home, middleware: [audit] }
              - { routes: [{ regex: ^/d$, method: GET, handler: home }] }
              - { path: /e, method: GET, handler: home }
            """
        ).routes
        #expect(routes.map(\.pattern.text) == ["/api/a/b/{id:int}", "/api/a/c", "^/d$", "/api/e"])
        #expect(routes.map(\.middleware) == [["signed-in", "audit"], ["signed-in", "audit"], [], []])
        #expect(routes.map(\.limits.body) == [2048, 2048, 1024, 1024])
        #expect(routes.map(\.limits.readTime) == [.seconds(6), .seconds(5), .seconds(5), .seconds(5)])
        #expect(routes.map(\.tasks.warn) == [.seconds(1), .seconds(1), .seconds(30), .seconds(30)])
    }

    @Test("A route has the idempotency of its groups, except with a safe method, and overrides parts of it")
    func idempotency() throws {
        let routes = try parse(
            """
            routes:
              - idempotency: { key: required }
                routes:
                  - { path: /a, method: GET, handler: home }
                  - { path: /a, method: POST, handler: home }
                  - { path: /b, method: PUT, handler: home, idempotency: { keep: 1h } }
                  - { path: /c, methods: [GET, DELETE], handler: home }
              - { path: /d, method: POST, handler: home, idempotency: {} }
              - { path: /e, method: POST, handler: home }
            """
        ).routes
        #expect(routes.map(\.idempotency?.key) == [nil, .required, .required, .required, .optional, nil])
        let hours = routes.map { $0.idempotency.map { $0.keep / .seconds(3600) } }
        #expect(hours == [nil, 24, 1, 24, 24, nil])
        #expect(routes[2].idempotency?.location.position?.line == 6)
    }

    @Test(
        "A wrong idempotency is reported where it stands",
        arguments: [
            (
                "method: POST, idempotency: { key: never }",
                "1:71: found `never` for `key`, expected optional or required"
            ),
            (
                "method: POST, idempotency: { keep: 0s }",
                "1:72: found `0s` for `keep`, expected at least 1ms"
            ),
            (
                "method: GET, idempotency: {}",
                "1:63: found `idempotency` for a route with the method GET, which changes nothing, expected a "
                    + "route with methods such as POST alone"
            ),
        ])
    func wrongIdempotency(keys: String, mistake: String) {
        #expect(mistakes("routes: [{ path: /a, handler: home, \(keys) }]") == ["routes.yaml:" + mistake])
    }

    @Test(
        "A wrong group, and wrong middleware, is reported where it stands",
        arguments: [
            (
                "{ middleware: [audt], path: /a, method: GET, handler: home }",
                "1:25: unknown middleware `audt` (nearest: audit), expected one that the application registers"
            ),
            (
                "{ middleware: [audit, audit], path: /a, method: GET, handler: home }",
                "1:32: the middleware `audit` appears twice in this list"
            ),
            (
                "{ middleware: audit, path: /a, method: GET, handler: home }",
                "1:24: found `audit` for `middleware`, expected a list of names such as [signed-in]"
            ),
            (
                "{ prefix: a, routes: [{ path: /a, method: GET, handler: home }] }",
                "1:20: the prefix `a` does not begin with `/`, expected a path such as /api"
            ),
            (
                "{ routes: [] }",
                "1:20: found an empty list for `routes`, expected at least one of its routes"
            ),
            (
                "{ prefix: /a, routes: [{ path: /a, method: GET, handler: hom }] }",
                "1:67: unknown handler `hom` (nearest: home), expected one that the application registers"
            ),
            (
                "{ prefix: /a, routes: [{ path: /b, method: GET, handler: home }, { path: /b, method: GET, handler: home }] }",
                "1:83: this route appears twice; the first is in line 1"
            ),
        ])
    func wrongGroup(item: String, mistake: String) {
        #expect(mistakes("routes: [\(item)]") == ["routes.yaml:\(mistake)"])
    }
}
