import Foundation
import Logging
import PostludeManifest
import PostludeRouting
import Testing

@Suite("A manifest's values from the environment")
struct ManifestEnvironmentTests {
    @Test("A plain value has the type of its text after the replacement, a quoted one is text")
    func kinds() throws {
        let environment = ["MAX": "8", "OLD": "true", "LOG": "/var/log/app.log", "SIZE": "2", "NUMBER": "5"]
        let manifest = try parse(
            """
            workers:
              max: ${MAX}
              min: ${MIN:-2}
            limits:
              body: ${SIZE}m
            log: { to: "${LOG}", level: '${LEVEL:-debug}' }
            openapi: { title: "${NUMBER}" }
            routes:
              - path: /${NUMBER}
                method: GET
                handler: ho${ME:-me}
                deprecated: ${OLD}
            """, environment: environment)
        #expect(manifest.workers.maximum == 8)
        #expect(manifest.workers.minimum == 2)
        #expect(manifest.limits.body == 2 << 20)
        #expect(manifest.log.destination == .file("/var/log/app.log"))
        #expect(manifest.log.level == .debug)
        #expect(manifest.openAPI.title == "5")
        #expect(manifest.routes[0].pattern.text == "/5")
        #expect(manifest.routes[0].handler == "home")
        #expect(manifest.routes[0].deprecated)
    }

    @Test("A regular expression keeps its dollar")
    func regex() throws {
        let yaml = "routes:\n  - { regex: ^/a$, method: GET, handler: home }\n"
        #expect(try parse(yaml).routes[0].pattern.text == "^/a$")
    }

    @Test("An escaped brace is literal")
    func escape() throws {
        let yaml = manifest("openapi: { title: \"$${A}\" }")
        #expect(try parse(yaml, environment: ["A": "x"]).openAPI.title == "${A}")
    }

    @Test("A value stays one value, whatever text it contains")
    func noInjection() throws {
        let value = "a\nworkers: { max: 1 } # \" ' *x &y ${MAX}"
        let manifest = try parse(manifest("openapi:\n  title: ${A}"), environment: ["A": value])
        #expect(manifest.openAPI.title == value)
        #expect(manifest.workers.maximum == 64)
    }

    @Test("Keys are not replaced")
    func keys() {
        #expect(
            mistakes(manifest("${A}: 1"), environment: ["A": "prefix"]).first?
                .hasPrefix("routes.yaml:1:1: unknown key `${A}` in the manifest") == true)
    }

    @Test(
        "A wrong value from the environment is shown with the variables that it came from",
        arguments: [
            (
                "workers:\n  max: ${A}", ["A": "many"],
                "2:8: found `many` for `max`, expected a whole number from 1 to 4096; the value comes from "
                    + "the variable A"
            ),
            (
                "workers:\n  max: ${A:-0}", [:],
                "2:8: found the number 0 for `max`, expected a whole number from 1 to 4096; the value comes "
                    + "from the default of A"
            ),
            (
                "workers:\n  max: ${A}${B:-x}", ["A": "1"],
                "2:8: found `1x` for `max`, expected a whole number from 1 to 4096; the value comes from "
                    + "the variable A and the default of B"
            ),
            (
                "workers:\n  max: ${A}", ["A": ""],
                "2:8: found nothing for `max`, expected a whole number from 1 to 4096; the value comes from "
                    + "the variable A"
            ),
            (
                "workers: { max: \"${A}\" }", ["A": "8"],
                "1:17: found `8` for `max`, expected a whole number from 1 to 4096, without quotes on a line "
                    + "of its own; the value comes from the variable A"
            ),
            (
                "log: { to: \"${A}\" }", ["A": "\u{1B}[0m"],
                "1:12: found `\\u{1B}[0m` for `to`, expected stderr, syslog, journald or "
                    + "a path with a `/`; the value comes "
                    + "from the variable A"
            ),
            (
                "prefix: ${A}", ["A": "/a?b"],
                "1:9: the prefix `/a?b`: found `?`; expected the path alone, without a query (%3F for a "
                    + "literal question mark); the value `/a?b` comes from the variable A"
            ),
            (
                "shutdown-grace: ${A}", ["A": "1"],
                "1:17: found the number 1 for `shutdown-grace`, expected a duration with a unit "
                    + "(ms, s, m or h) such as 30s; the value comes from the variable A"
            ),
            ("prefix: ${A}", [:], "1:9: the environment has no A; set it, or write ${A:-default}"),
            (
                "workers:\n  max: ${A", [:],
                "2:8: found `${A` without a `}`, expected ${NAME} or ${NAME:-default}, or $${ for a "
                    + "literal ${"
            ),
        ])
    func wrong(yaml: String, environment: [String: String], expected: String) {
        #expect(mistakes(manifest(yaml), environment: environment) == ["routes.yaml:" + expected])
    }

    @Test("In a route, the errors of the pattern and the handler name the variable")
    func wrongRoute() {
        let yaml = "routes:\n  - path: /a/${A}\n    method: GET\n    handler: ${H}\n"
        #expect(
            mistakes(yaml, environment: ["A": "b c", "H": "hom"]) == [
                "routes.yaml:2:11: found a space; expected %20; the value `/a/b c` comes from the variable A",
                "routes.yaml:4:14: unknown handler `hom` (nearest: home), expected one that the application "
                    + "registers; the value comes from the variable H",
            ])
    }

    @Test("A variable that is not set is the only mistake reported for its value")
    func unset() {
        let yaml = """
            limits: { body: "${A}" }
            log: { level: "${A}", to: "${A}" }
            routes:
              - { path: "${A}", method: "${A}", handler: "${A}", tags: ["${A}"] }
              - { path: "/{${A}", method: GET, handler: home }
            """
        let found = mistakes(yaml)
        #expect(found.count == 8)
        #expect(found.allSatisfy { $0.contains(": the environment has no A; ") })
    }

    @Test(
        "Within braces and brackets a variable needs quotes, and the error says so",
        arguments: [
            (
                "workers: { max: ${A} }",
                "1:18: not YAML: did not find expected ',' or '}' (while parsing a "
                    + "flow mapping that begins at 1:10)"
            ),
            (
                "x: [${A}]",
                "1:6: not YAML: did not find expected ',' or ']' (while parsing a flow sequence "
                    + "that begins at 1:4)"
            ),
        ])
    func flow(yaml: String, expected: String) {
        let advice =
            "; inside { } and [ ], ${NAME} needs quotes, which make it text; a number or a boolean needs a line "
            + "of its own instead"
        #expect(mistakes(manifest(yaml), environment: ["A": "8"]) == ["routes.yaml:\(expected)\(advice)"])
    }

    @Test("A small file cannot multiply a large variable")
    func amplification() {
        let environment = ["A": String(repeating: "a", count: 1 << 20)]
        let tags = repeatElement("\"${A}\"", count: 100).joined(separator: ", ")
        let found = mistakes(
            "routes: [{ path: /, method: GET, handler: home, tags: [\(tags)] }]", environment: environment)
        let expected = "the values with variables are larger than 8MiB together, expected smaller ones"
        #expect(found.filter { $0.hasSuffix(expected) }.count == 92)
    }

    @Test("By default the environment is the process's")
    func process() throws {
        let value = try #require(ProcessInfo.processInfo.environment["PATH"])
        let yaml = manifest("openapi:\n  title: ${PATH}")
        let manifest = try Manifest.parse(yaml, file: "routes.yaml", handlers: handlers)
        #expect(manifest.openAPI.title == value)
    }
}
