import HTTPTypes
import PostludeRouting
import Testing

@Suite("RouteTable")
struct RouteTableTests {
    @Test(
        "types match what they promise, and parameters are decoded",
        arguments: [
            ("/{x}", "/a%20b", "a b"), ("/{x}", "/caf%C3%A9", "café"), ("/{x}", "/a%2Fb", "a/b"),
            ("/{x}", "/%2561", "%61"),
            ("/{x}", "/", nil), ("/{x}", "/a/", nil), ("/{x}", "/a/b", nil), ("/{x}", "/a%0Ab", "a\nb"),
            ("/{x:int}", "/-12", "-12"), ("/{x:int}", "/12a", nil), ("/{x:int}", "/-", nil),
            ("/{x:int}", "/1%0A", nil),
            ("/{x:int}", "/%D9%A1", nil),
            ("/{x:slug}", "/a-b_9", "a-b_9"), ("/{x:slug}", "/a.b", nil), ("/{x:slug}", "/a%2Fb", nil),
            ("/{x:uuid}", "/01234567-89ab-CDEF-0123-456789abcdef", "01234567-89ab-CDEF-0123-456789abcdef"),
            ("/{x:uuid}", "/0123456789abCDEF0123456789abcdef", nil),
            ("/a/{x:path}", "/a/", ""), ("/a/{x:path}", "/a/b/c/", "b/c/"), ("/a/{x:path}", "/a", nil),
            ("/a/{x:path}", "/ab/c", nil), ("/{x:path}", "/", ""), ("/a-{x:path}", "/a-b/c", "b/c"),
            ("/a-{x:path}", "/b-b/c", nil), ("/a/{x:path}", "/a/b%2Fc%25", "b/c%"),
            ("/report-{x:int}.pdf", "/report-2024.pdf", "2024"),
            ("/report-{x:int}.pdf", "/report-2024xpdf", nil),
            ("/{x:slug}-v1", "/a-b-v1", "a-b"), ("/caf%C3%A9/{x}", "/café/1", "1"),
            ("/100%25/{x}", "/100%25/1", "1"),
            ("/a%2fb/{x}", "/a%2Fb/1", "1"), ("/a%2fb/{x}", "/a/b/1", nil), ("/a//b/{x}", "/a/b//1", "1"),
            ("/{x:[A-Z]{2}}", "/DE", "DE"), ("/{x:[A-Z]{2}}", "/DEU", nil), ("/{x:a|bc}", "/bc", "bc"),
            ("/{x:(a|b)+}/c", "/abab/c", "abab"), ("/{x:(?i)abc}", "/aBC", "aBC"), ("/{x:\\d*}", "/", ""),
            ("/x.{x:.+}", "/x.y.z", "y.z"), ("/{x}/", "/a/", "a"), ("/{x}/", "/a", nil),
        ])
    func types(pattern: String, uri: String, expected: String?) throws {
        let outcome = try table([pattern]).match(uri)
        guard let expected else {
            #expect(outcome == .notFound)
            return
        }
        #expect(outcome.route == 0)
        #expect(outcome.parameters?["x"] == expected)
        #expect(outcome.parameters?.count == 1)
    }

    @Test("an expression of the application's own never matches a slash")
    func slashes() throws {
        let table = try table(["/a/{x:.+}", "/{x:.+}/{y:.*}/z", "/b/{x:.+}-{y:.+}/{z}"])
        #expect(table.match("/a/b").route == 0)
        #expect(table.match("/a/b/c") == .notFound)
        #expect(table.match("/q/b/z").parameters.map { $0.map(\.value) } == ["q", "b"])
        #expect(table.match("/q/b/c/z") == .notFound)
        #expect(table.match("/b/1-2-3/4").parameters.map { $0.map(\.value) } == ["1-2", "3", "4"])
    }

    @Test("several parameters have their names")
    func severalParameters() throws {
        let parameters = try table(["/{tenant}/items/{id:int}/{rest:path}"]).match("/acme/items/7/a/b")
            .parameters
        #expect(parameters?.map(\.name) == ["tenant", "id", "rest"])
        #expect(parameters?.map(\.value) == ["acme", "7", "a/b"])
        #expect(parameters?["none"] == nil)
    }

    @Test("the earliest route wins, at any place in the index")
    func precedence() throws {
        #expect(try table(["/a/{x}", "/a/b"]).match("/a/b").route == 0)
        #expect(try table(["/a/b", "/a/{x}"]).match("/a/b").route == 0)
        #expect(try table(["/{x}/b", "/a/{x}"]).match("/a/b").route == 0)
        #expect(try table(["/a/{x}", "/{x}/b"]).match("/a/b").route == 0)
        #expect(try table(["/{x:path}", "/a/b", "/{y}/b"]).match("/a/b").route == 0)
        #expect(try table(["/a/{x:int}", "/a/{x:slug}", "/{x:path}", "/a/1"]).match("/a/1").route == 0)
        #expect(try table(["/a/{x:int}", "/a/{x:slug}", "/{x:path}"]).match("/a/b1").route == 1)
        #expect(try table(["/a/{x:int}", "/a/{x:slug}", "/{x:path}"]).match("/a/.b").route == 2)
        #expect(try table(["/a", "/a"]).match("/a").route == 0)
        let mixed = try RouteTable([
            ([.get], RoutePattern("/a/{x:int}")), ([.get], RoutePattern(regex: "^/a/(?<y>[0-9a]+)$")),
            ([.get], RoutePattern("/a/{x:slug}")), ([.get], RoutePattern("/{x:path}")),
        ])
        #expect(mixed.match("/a/1").route == 0)
        #expect(mixed.match("/a/1a").route == 1)
        #expect(mixed.match("/a/1b").route == 2)
        #expect(mixed.match("/a/1b/").route == 3)
        #expect(mixed.match("/a/1a").parameters?["y"] == "1a")
    }

    @Test("raw expressions match the whole path; after a prefix, the rest of the path")
    func raw() throws {
        let raw = try RoutePattern(regex: #"/legacy\.php/(?<id>\d+)(?:-(?<page>\d+))?"#)
        let table = try RouteTable([([.get], raw), ([.get], raw.prefixed(by: "/api/v1"))])
        #expect(table.match("/legacy.php/12-3").parameters.map { $0.map(\.value) } == ["12", "3"])
        #expect(table.match("/legacy.php/12").parameters.map { $0.map(\.name) } == ["id"])
        #expect(table.match("/legacy.php/12/") == .notFound)
        #expect(table.match("/legacyxphp/12") == .notFound)
        let prefixed = table.match("/api/v1/legacy.php/77-8")
        #expect(prefixed.route == 1)
        #expect(prefixed.parameters.map { $0.map(\.value) } == ["77", "8"])
        #expect(table.match("/api/v1") == .notFound)
        let alternatives = try RouteTable([([.get], RoutePattern(regex: "^/a/x|/b/(?<y>.*)$"))])
        #expect(alternatives.match("/a/x").route == 0)
        #expect(alternatives.match("/b/c/d").parameters?["y"] == "c/d")
        #expect(alternatives.match("/a/y") == .notFound)
    }

    @Test("a path with routes for other methods only gets 405; GET also serves HEAD")
    func methods() throws {
        let table = try RouteTable([
            ([.get, .put], RoutePattern("/a/{x:int}")), ([.delete], RoutePattern("/a/{x}")),
            ([.head, .post], RoutePattern("/b")), ([.get], RoutePattern("/{x}")),
        ])
        #expect(table.match("/a/1", .get).route == 0)
        #expect(table.match("/a/1", .put).route == 0)
        #expect(table.match("/a/1", .delete).route == 1)
        #expect(table.match("/a/1", .head).route == 0)
        #expect(table.match("/a/1", .post) == .methodNotAllowed(allow: [.delete, .get, .head, .put]))
        #expect(table.match("/a/b", .get) == .methodNotAllowed(allow: [.delete]))
        #expect(table.match("/a/b", .head) == .methodNotAllowed(allow: [.delete]))
        #expect(table.match("/b", .head).route == 2)
        #expect(table.match("/b", .get).route == 3)
        #expect(table.match("/b", .options) == .methodNotAllowed(allow: [.get, .head, .post]))
        #expect(table.match("/c/d", .post) == .notFound)
        #expect(try RouteTable([]).match("/") == .notFound)
    }

    @Test("5,000 routes at one node, too many for one compiled expression, are split and stay in order")
    func splitting() throws {
        let table = try table((0..<5_000).map { "/{x:k\($0)-[a-z]+}" } + ["/{x}"])
        for number in [0, 1, 77, 2_499, 2_500, 4_998, 4_999] {
            let outcome = table.match("/k\(number)-abc")
            #expect(outcome.route == number)
            #expect(outcome.parameters?["x"] == "k\(number)-abc")
        }
        #expect(table.match("/k5000-abc").route == 5_000)
    }

    @Test("a path that would backtrack for ever is refused, and the next one is matched")
    func bounded() throws {
        let table = try table(["/{x:(?:a+)+b}", "/c/{x}"])
        let matcher = try RouteMatcher()
        #expect(table.match("/" + String(repeating: "a", count: 60) + "cb", using: matcher) == .refused)
        #expect(table.match("/aab", using: matcher).route == 0)
        #expect(table.match("/aab", .post, using: matcher) == .methodNotAllowed(allow: [.get, .head]))
        #expect(
            table.match("/" + String(repeating: "a", count: 60) + "cb", .post, using: matcher) == .refused)
    }

    @Test("a long path is matched: the JIT has a stack of its own")
    func longPath() throws {
        let table = try table(["/{x:(?:[a-z]|%2F)+}", "/{x:path}"])
        #expect(table.match("/" + String(repeating: "a", count: 8_000)).route == 0)
        #expect(table.match("/" + String(repeating: "a/", count: 30_000)).route == 1)
    }

    @Test("a search visits no node twice, however the routes are interleaved")
    func interleaved() throws {
        // Each segment is a literal or a parameter: 4,096 nodes match the path, and only the last route does.
        let patterns = (0..<4_096).map { number in
            "/" + (0..<12).map { number >> $0 & 1 == 0 ? "a" : "{p\($0):[ab]}" }.joined(separator: "/")
        }
        let table = try table(patterns)
        #expect(table.match("/" + Array(repeating: "a", count: 12).joined(separator: "/")).route == 0)
        #expect(table.match("/" + Array(repeating: "b", count: 12).joined(separator: "/")).route == 4_095)
        #expect(table.match("/" + Array(repeating: "c", count: 12).joined(separator: "/")) == .notFound)
    }

    @Test("segments longer than the index's fixed size are distinguished")
    func longSegments() throws {
        let stem = String(repeating: "s", count: 40)
        let table = try table([
            "/\(stem)a", "/\(stem)b", "/\(stem)", "/ssssssssssssssss", "/sssssss", "/ssssssss",
        ])
        for (number, path) in [
            "/\(stem)a", "/\(stem)b", "/\(stem)", "/ssssssssssssssss", "/sssssss", "/ssssssss",
        ].enumerated() {
            #expect(table.match(path).route == number)
        }
        #expect(table.match("/\(stem)c") == .notFound)
        #expect(table.match("/sssssssss") == .notFound)
    }

    private func table(_ patterns: [String]) throws -> RouteTable {
        try RouteTable(patterns.map { (methods: [.get], pattern: try RoutePattern($0)) })
    }
}
