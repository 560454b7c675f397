import Testing

@testable import PostludeManifest

@Suite("The manifest's broker")
struct ManifestCeleryTests {
    private func parse(_ yaml: String, _ environment: [String: String] = [:]) throws(ManifestError)
        -> Manifest
    {
        try Manifest.parse(
            "\(yaml)\nroutes: [{ path: /, method: GET, handler: home }]\n", file: "routes.yaml",
            handlers: ["home"], environment: environment)
    }

    private func mistakes(_ yaml: String, _ environment: [String: String] = [:]) -> [String] {
        do {
            _ = try parse(yaml, environment)
            return []
        } catch {
            return error.diagnostics.map(\.description)
        }
    }

    @Test("An address is in the file or in a variable")
    func addresses() throws {
        #expect(try parse("").celery == nil)
        let celery = try #require(
            try parse("celery: { broker: '${BROKER}', results: 'redis://h/1' }", ["BROKER": "amqp://h"])
                .celery)
        #expect(celery.broker.url == "amqp://h")
        #expect(celery.results?.url == "redis://h/1")
        #expect("\(celery.location)" == "routes.yaml:1:9")
        #expect("\(celery.broker.location)" == "routes.yaml:1:19")
    }

    @Test(
        "A wrong value is reported with what was found and what was expected",
        arguments: [
            (
                "celery: { results: 'redis://h' }",
                "1:9: `celery` has no `broker`, expected the broker's URL such as amqp://localhost or redis://localhost"
            ),
            (
                "celery: { broker: 5 }",
                "1:19: found the number 5 for `broker`, expected a URL such as amqp://localhost, in quotes if it is "
                    + "meant as text"
            ),
            (
                "celery: { broker: '' }",
                "1:19: found an empty text for `broker`, expected a URL such as amqp://localhost"
            ),
            (
                "celery: { broker: a, reslts: b }",
                "1:22: unknown key `reslts` in `celery` (nearest: results), expected broker or results"
            ),
        ])
    func wrong(yaml: String, expected: String) {
        #expect(mistakes(yaml) == ["routes.yaml:" + expected])
    }
}
