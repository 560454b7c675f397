import PostludeManifest
import Testing

@Suite("Deadlines of a manifest")
struct ManifestDeadlinesTests {
    @Test("Without settings, nothing is cancelled and no process is replaced")
    func defaults() throws {
        let plain = try parse(manifest(""))
        #expect(plain.limits.requestTimeout == nil)
        #expect(plain.limits.slowTime == nil)
        #expect(plain.limits.killTime == nil)
        #expect(plain.tasks.killTime == nil)
    }

    @Test("A route's own deadlines override those of all routes")
    func routes() throws {
        let yaml = """
            limits: { request-timeout: 30s, slow-time: 5s, kill-time: 60s }
            tasks: { deadline: 1m, kill-time: 2m }
            routes:
              - { path: /a, method: GET, handler: home }
              - { path: /b, method: GET, handler: home, limits: { request-timeout: 1s },
                  tasks: { kill-time: 3m } }
            """
        let routes = try parse(yaml).routes
        try #require(routes.count == 2)
        #expect(routes[0].limits.requestTimeout == .seconds(30))
        #expect(routes[0].limits.slowTime == .seconds(5))
        #expect(routes[0].limits.killTime == .seconds(60))
        #expect(routes[0].tasks.killTime == .seconds(120))
        #expect(routes[1].limits.requestTimeout == .seconds(1))
        #expect(routes[1].limits.killTime == .seconds(60))
        #expect(routes[1].tasks.deadline == .seconds(60))
        #expect(routes[1].tasks.killTime == .seconds(180))
    }

    @Test("Equal times are valid, and a handler's slow time may be after its timeout")
    func equal() {
        let yaml = manifest(
            """
            limits: { request-timeout: 1s, slow-time: 2s, kill-time: 2s }
            tasks: { warn: 1s, deadline: 1s, kill-time: 1s }
            """)
        #expect(mistakes(yaml) == [])
    }

    @Test(
        "A route that is killed before the slow time of all routes, or cancelled before their warning, is valid"
    )
    func inherited() {
        let yaml = """
            limits: { slow-time: 10s }
            tasks: { warn: 20s }
            routes:
              - { path: /, method: GET, handler: home, limits: { kill-time: 5s }, tasks: { deadline: 5s } }
            """
        #expect(mistakes(yaml) == [])
    }

    @Test(
        "Times in the wrong order are reported",
        arguments: [
            (
                "limits: { request-timeout: 61s, kill-time: 1m }",
                "1:28: found `61s` for `request-timeout`, expected at most `kill-time` (1m)"
            ),
            (
                "limits: { slow-time: 2m, kill-time: 1m }",
                "1:22: found `2m` for `slow-time`, expected at most `kill-time` (1m)"
            ),
            (
                "tasks: { deadline: 2m, kill-time: 1m }",
                "1:20: found `2m` for `deadline`, expected at most `kill-time` (1m)"
            ),
            (
                "tasks: { warn: 2m, kill-time: 1m }",
                "1:16: found `2m` for `warn`, expected at most `kill-time` (1m)"
            ),
            (
                "limits: { request-timeout: 0s }",
                "1:28: found `0s` for `request-timeout`, expected at least 1ms"
            ),
            (
                "limits: { request-timeout: 30 }",
                "1:28: found the number 30 for `request-timeout`, expected a duration with a unit "
                    + "(ms, s, m or h) such as 30s"
            ),
        ])
    func order(yaml: String, expected: String) {
        #expect(mistakes(manifest(yaml)) == ["routes.yaml:" + expected])
    }

    @Test("A route's times are compared with those of all routes")
    func orderInRoutes() {
        let yaml = """
            limits: { request-timeout: 30s }
            tasks: { kill-time: 1m }
            routes:
              - { path: /, method: GET, handler: home, limits: { kill-time: 5s } }
              - { path: /b, method: GET, handler: home, tasks: { deadline: 2m } }
            """
        #expect(
            mistakes(yaml) == [
                "routes.yaml:4:65: found `5s` for `kill-time`, expected at least `request-timeout` "
                    + "(30s for all routes)",
                "routes.yaml:5:64: found `2m` for `deadline`, expected at most `kill-time` "
                    + "(1m for all routes)",
            ])
    }
}
