import PostludeManifest
import Testing

@Suite("OpenAPI settings of a manifest")
struct ManifestOpenAPITests {
    @Test(
        "A version is taken as it is written", arguments: ["1.0", "1.10", "2", "1.2.0", "v3-beta", "\"1.0\""])
    func version(written: String) throws {
        let version = try parse(manifest("openapi: { version: \(written) }")).openAPI.version
        #expect(version == written.replacing("\"", with: ""))
    }

    @Test(
        "A wrong value is reported with what was found and what was expected",
        arguments: [
            (
                "openapi: { version: true }",
                "1:21: found the boolean true for `version`, expected a version such as 1.2.0"
            ),
            (
                "openapi: { title: 5 }",
                "1:19: found the number 5 for `title`, expected the API's name, in quotes if it is "
                    + "meant as text"
            ),
            (
                "openapi: { document: docs.json }",
                "1:22: `document`: found `d`; expected a slash: every path begins with one"
            ),
            (
                "openapi: { document: \"/{a}\" }",
                "1:22: found `/{a}` for `document`, expected a path without parameters such as /openapi.json"
            ),
            (
                "openapi: { document: \"/a?b\" }",
                "1:25: `document`: found `?`; expected the path alone, without a query (%3F for a literal "
                    + "question mark)"
            ),
            (
                "openapi: { page: /docs }",
                "1:18: found `page` without `document`, expected both: the page shows the document"
            ),
            (
                "openapi: { page: /d//oc%73, document: /d/ocs }",
                "1:18: found `/d//oc%73` for `page`, expected a path other than that of `document`"
            ),
        ])
    func wrong(yaml: String, expected: String) {
        #expect(mistakes(manifest(yaml)) == ["routes.yaml:" + expected])
    }

    @Test(
        "A path that a route uses is refused",
        arguments: [
            "path: /docs", "path: '/{name}'", "path: '/{rest:path}'", "path: '/{name:do.s}'", "regex: ^/d.*$",
            "regex: /docs", "path: /d%6Fcs",
        ])
    func taken(route: String) {
        let yaml = """
            prefix: /api
            openapi: { document: /openapi.yaml/x, page: /docs }
            routes:
              - { path: /other, method: GET, handler: home }
              - { \(route), methods: [POST, GET], handler: home }
            """
        let expected =
            "found `/docs` for `page`, expected a path that no route matches: the route in line 5 matches GET "
            + "`/api/docs` first"
        let found = mistakes(yaml)
        #expect(found.last == "routes.yaml:2:45: \(expected)")
        #expect(found.count == (route.contains("rest") ? 2 : 1))
    }

    @Test(
        "A route with another path or method leaves it",
        arguments: [
            "path: /docs, method: POST", "path: /docs/, method: GET", "path: '/{id:int}', method: GET",
            "path: '/{name:[a-c]+}', method: GET", "regex: ^/docs/.+$, method: GET",
            "path: /Docs, method: GET",
        ])
    func free(route: String) throws {
        let yaml = """
            openapi: { document: /openapi.json, page: /docs }
            routes: [{ \(route), handler: home }]
            """
        let openAPI = try parse(yaml).openAPI
        #expect(openAPI.document == "/openapi.json")
        #expect(openAPI.page == "/docs")
    }

    @Test(
        "A route's texts are reported with what was found and what was expected",
        arguments: [
            (
                "summary: 5",
                "found the number 5 for `summary`, expected a line of text, in quotes if it is meant as text"
            ),
            ("summary: ' '", "found ` ` for `summary`, expected a line of text"),
            ("tags: shop", "found `shop` for `tags`, expected a list of tags such as [shop, internal]"),
            ("deprecated: 1", "found the number 1 for `deprecated`, expected true or false"),
            ("deprecated: 'true'", "found `true` for `deprecated`, expected true or false"),
        ])
    func words(key: String, expected: String) {
        let column = 45 + key.prefix { $0 != ":" }.count
        let yaml = "routes: [{ path: /, method: GET, handler: home, \(key) }]"
        #expect(mistakes(yaml) == ["routes.yaml:1:\(column + 6): \(expected)"])
    }

    @Test("An operation id has few characters, and only one route has it")
    func operationIDs() {
        func route(_ path: String, _ id: String) -> String {
            "{ path: \(path), method: GET, handler: home, operation-id: \(id) }"
        }
        let expected = "letters, digits, `.`, `_` and `-`, such as show-order"
        #expect(
            mistakes("routes: [\(route("/", "a b"))]") == [
                "routes.yaml:1:63: found `a b` for `operation-id`, expected \(expected)"
            ])
        #expect(
            mistakes("routes:\n- \(route("/", "a"))\n- \(route("/b", "a"))") == [
                "routes.yaml:3:57: the `operation-id` `a` is that of the route in line 2, too"
            ])
    }

    @Test("A duplicate tag is reported at its second place")
    func duplicateTag() {
        let yaml = "routes: [{ path: /, method: GET, handler: home, tags: [a, b, a] }]"
        #expect(mistakes(yaml) == ["routes.yaml:1:62: the tag `a` appears twice in this route"])
    }
}
