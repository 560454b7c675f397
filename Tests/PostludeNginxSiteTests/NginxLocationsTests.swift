import PostludeManifest
import Testing

@testable import PostludeNginxSite

@Suite("NginxLocations")
struct NginxLocationsTests {
    /// - Returns: MiB for all places, and for other locations by the text after `location`.
    private func bodies(_ yaml: String, prefix: String = "") throws -> (common: Int, own: [String: Int]) {
        let settings = prefix.isEmpty ? "" : "prefix: \(prefix)\n"
        let manifest = try Manifest.parse(
            settings + "routes:\n" + yaml, file: "routes.yaml", handlers: ["a"], environment: [:])
        let locations = NginxLocations(manifest)
        let own = locations.own.map { ($0.matcher, $0.bounds.body >> 20) }
        return (locations.common.body >> 20, Dictionary(uniqueKeysWithValues: own))
    }

    private func route(_ path: String, _ body: String = "1m", key: String = "path") -> String {
        "  - { \(key): '\(path)', method: POST, handler: a, limits: { body: \(body) } }\n"
    }

    @Test("Routes within the manifest's limits have one location")
    func common() throws {
        let bodies = try bodies(route("/a", "1k") + route("/b") + route("/c/{x}", "0"))
        #expect(bodies.common == 1 && bodies.own.isEmpty)
    }

    @Test(
        "A route of literals has an exact location, and one that begins with literals has the paths below them"
    )
    func own() throws {
        let bodies = try bodies(route("/a/b", "4m") + route("/c/{x}/d", "8m") + route("/e"))
        #expect(bodies.common == 1)
        #expect(bodies.own == ["= /a/b": 4, "/c/": 8])
    }

    @Test("A route that may begin with anything raises the limit for all")
    func anything() throws {
        let bodies = try bodies(route("/{x}/upload", "4m") + route("/a", "2m") + route("/b", "8m"))
        #expect(bodies.common == 4)
        #expect(bodies.own == ["= /b": 8])
    }

    @Test("A location allows the largest body of its routes")
    func shared() throws {
        let bodies = try bodies(
            route("/a/c", "16m") + route("/a/d", "2m") + route("/a/{x}", "4m") + route("/a/b/{x}", "8m"))
        #expect(bodies.own == ["/a/": 16, "/a/b/": 8, "= /a/b": 4, "= /a/c": 16, "= /a/d": 4])
    }

    @Test("A path without the slash of a location below it is not redirected")
    func withoutSlash() throws {
        let bodies = try bodies(route("/a/{x}", "4m") + route("/a", "1m") + route("/{y}", "1m"))
        #expect(bodies.own == ["/a/": 4, "= /a": 1])
    }

    @Test("The manifest's prefix is the place of all, and precedes the others")
    func prefix() throws {
        let bodies = try bodies(route("/a", "8m") + route("/{x}", "4m"), prefix: "/api")
        #expect(bodies.common == 4)
        #expect(bodies.own == ["= /api/a": 8])
    }

    @Test("Paths are those that nginx compares: decoded, and cut off before an encoded slash")
    func decoded() throws {
        let bodies = try bodies(route("/a%20b%25", "4m") + route("/c/d%2Fe/f", "8m"))
        #expect(bodies.own == ["= \"/a b%\"": 4, "/c/": 8])
    }

    @Test("An expression contributes the literals that it certainly begins with")
    func expression() throws {
        let bodies = try bodies(
            route("^/a/(?<x>.*)$", "4m", key: "regex") + route("^(/b|/c)$", "2m", key: "regex"))
        #expect(bodies.common == 2)
        #expect(bodies.own == ["/a/": 4, "= /a": 4])
    }
}
