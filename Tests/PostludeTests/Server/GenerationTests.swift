import PostludeFastCGI
import PostludeManifest
import PostludeRouting
import Testing

@testable import Postlude

@Suite("Generation")
struct GenerationTests {
    private func fixture(_ yaml: String) throws -> ServerFixture {
        try ServerFixture(
            yaml, [Handler("a") {}, Handler("stream") { (body: BodyStream) in _ = try body.read() }])
    }

    @Test("has the limits and the routes of its manifest")
    func limits() throws {
        let generation = try fixture(
            """
            workers: { max: 7 }
            limits: { head: 8KiB, head-time: 3s, read-time: 4s, write-time: 5s }
            routes: [{ path: "/a/{id}", method: GET, handler: a }]
            """
        ).generation(3)
        #expect(generation.number == 3)
        #expect(generation.gateLimits.head == 8 << 10 && generation.gateLimits.concurrentRequests == 7)
        let times = generation.connectionTimes
        #expect(times.head == .seconds(3) && times.read == .seconds(4) && times.write == .seconds(5))
        #expect(generation.route(of: try RequestFixture.get("/a/1").head())?.pattern == "/a/{id}")
        #expect(generation.route(of: try RequestFixture.get("/b").head()) == nil)
    }

    @Test("a match decides about the body, and is found again with the body")
    func match() throws {
        let generation = try fixture(
            """
            limits: { body: 10 }
            routes:
              - { path: /a, method: POST, handler: a }
              - { path: /stream, method: POST, handler: stream }
            """
        ).generation()
        let matcher = try RouteMatcher()
        for (uri, allowed) in [("/a", 10), ("/stream", 10), ("/b", Int.max)] {
            var request = RequestFixture.post("{}")
            request.uri = uri
            let match = RouteMatch(of: try request.head(), by: generation, using: matcher)
            let policy = match.bodyPolicy
            #expect(policy.requestContext as? RouteMatch === match && match.generation === generation)
            #expect(policy.allows(allowed) && (allowed == .max || !policy.allows(allowed + 1)))
            #expect((match.resolution.route?.pattern ?? "/b") == uri)
        }
    }

    @Test("the next one replaces the current one, unless it cannot be served")
    func generations() throws {
        let fixture = try fixture("routes: [{ path: /a, method: GET, handler: a }]")
        let generations = try fixture.context().generations
        let first = generations.current
        let second = try generations.replace(by: fixture.manifest, number: 2)
        #expect(first.number == 1 && second.number == 2 && generations.current === second)
        let other = try Manifest.parse(
            "routes: [{ path: /a, method: GET, handler: other }]", file: "routes.yaml", handlers: ["other"],
            environment: [:])
        #expect(throws: (any Error).self) { try generations.replace(by: other, number: 3) }
        #expect(generations.current === second)
    }
}
