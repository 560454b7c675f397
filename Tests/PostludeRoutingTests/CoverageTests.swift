import PostludeRouting
import Testing

@Suite("RoutePattern.covers")
struct CoverageTests {
    @Test(
        "an earlier pattern that matches all of a later one's paths",
        arguments: [
            ("/a", "/a"), ("/a/b", "//a/%62"), ("/{x}", "/a"), ("/{x}", "/{y}"), ("/{x}", "/{y:int}"),
            ("/{x}", "/{y:slug}"), ("/{x}", "/{y:uuid}"), ("/{x}", "/a-{y:[0-9]+}"), ("/{x}", "/{a}-{b}"),
            ("/{x:slug}", "/{y:int}"), ("/{x:slug}", "/{y:uuid}"), ("/{x:slug}", "/a-b_9"),
            ("/{x:int}", "/-12"),
            ("/{x:uuid}", "/00000000-0000-0000-0000-00000000abCD"), ("/{x}/b", "/a/b"),
            ("/{x}/{y}", "/{y:int}/b"),
            ("/{p:path}", "/"), ("/{p:path}", "/a/b/{c}"), ("/{p:path}", "/{q:path}"), ("/a/{p:path}", "/a/"),
            ("/a/{p:path}", "/a/b/{q:path}"), ("/{x}/{p:path}", "/a/b/"), ("/a-{p:path}", "/a-b/c"),
            ("/a-{p:path}", "/a-b-{q:path}"), ("/r-{x:slug}.pdf", "/r-{y:int}.pdf"), ("/r-{x}", "/r-{y}"),
            ("/{x:[0-9]+}", "/{y:[0-9]+}"),
        ])
    func covered(earlier: String, later: String) throws {
        #expect(try RoutePattern(earlier).covers(RoutePattern(later)))
    }

    @Test(
        "a pattern that leaves, or may leave, paths to a later one",
        arguments: [
            ("/a", "/b"), ("/a", "/a/"), ("/a", "/{x}"), ("/{x}", "/"), ("/{x}", "/a/"), ("/{x}", "/a/b"),
            ("/{x}", "/{y:[a-z]*}"), ("/{x:int}", "/{y}"), ("/{x:int}", "/{y:slug}"),
            ("/{x:uuid}", "/{y:slug}"),
            ("/{x:int}", "/1a"), ("/{x:int}", "/-"), ("/{x:slug}", "/a.b"), ("/{x:uuid}", "/abc"),
            ("/{x:uuid}", "/0000000g-0000-0000-0000-00000000abCD"),
            ("/{x:[0-9]+}", "/1"), ("/{x}", "/{p:path}"), ("/{x}/{y}", "/a/{p:path}"), ("/a/{p:path}", "/a"),
            ("/a/{p:path}", "/{x}/b"), ("/a/{p:path}", "/{q:path}"), ("/a-{p:path}", "/a/b"),
            ("/a-{p:path}", "/{x}"),
            ("/r-{x:int}", "/r-{y:slug}"), ("/r-{x}", "/s-{y}"), ("/r-{x}", "/{y}"), ("/{a}-{b}", "/{x}"),
        ])
    func notCovered(earlier: String, later: String) throws {
        #expect(try !RoutePattern(earlier).covers(RoutePattern(later)))
    }

    @Test("raw expressions")
    func raw() throws {
        let raw = try RoutePattern(regex: #"^/a/b/(?<id>\d+)$"#)
        #expect(raw.covers(raw))
        #expect(try !raw.covers(RoutePattern("/a/b/1")))
        #expect(try RoutePattern("/{p:path}").covers(raw))
        #expect(try RoutePattern("/a/{p:path}").covers(raw))
        #expect(try RoutePattern("/{x}/b/{p:path}").covers(raw))
        #expect(try !RoutePattern("/b/{p:path}").covers(raw))
        #expect(try !RoutePattern("/a/b/c/{p:path}").covers(raw))
        #expect(try !RoutePattern("/a/{p:path}").covers(RoutePattern(regex: "^/a/b|/c$")))
        #expect(try !raw.covers(raw.prefixed(by: "/api")))
        #expect(try RoutePattern("/api/{p:path}").covers(raw.prefixed(by: "/api")))
    }
}
