import Routing
import Testing

@Suite("RoutePath")
struct RoutePathTests {
    @Test(
        "a path is normalised as nginx does before it chooses a location",
        arguments: [
            ("/", "/"), ("/a/b", "/a/b"), ("/a/b/", "/a/b/"), ("//", "/"), ("//a///b//", "/a/b/"),
            ("/.", "/"), ("/./", "/"), ("/a/.", "/a/"), ("/a/./b", "/a/b"), ("/a/..", "/"), ("/a/../", "/"),
            ("/a/b/../c", "/a/c"), ("/a/b/..", "/a/"), ("/a//../b", "/b"), ("/a/b/../../c/./d/..", "/c/"),
            ("/...", "/..."), ("/.well-known/x", "/.well-known/x"), ("/a/..b/c.", "/a/..b/c."),
            ("/a./b", "/a./b"),
            ("/%61dmin", "/admin"), ("/a%2db", "/a-b"), ("/caf%C3%A9", "/café"), ("/café", "/café"),
            ("/a%20b", "/a b"), ("/a%0Ab", "/a\nb"), ("/a%3Fb%23c", "/a?b#c"), ("/%7Bid%7d", "/{id}"),
            ("/a%2fb", "/a%2Fb"), ("/a%2Fb", "/a%2Fb"), ("/%2f", "/%2F"), ("/100%25", "/100%25"),
            ("/%2561dmin", "/%2561dmin"), ("/%252e%252e/", "/%252e%252e/"), ("/a%2F.b", "/a%2F.b"),
            ("/a#b", "/a"), ("/a/..#b", "/"), ("/a;b=c/d", "/a;b=c/d"), ("/a+b", "/a+b"),
            ("/a:b@c", "/a:b@c"),
        ])
    func normalised(uri: String, expected: String) throws {
        #expect(try RoutePath(requestURI: uri.utf8).description == expected)
        #expect(try RoutePath(requestURI: Array(uri.utf8)).bytes == Array(expected.utf8))
    }

    @Test(
        "the query is cut off and stays as it came",
        arguments: [
            ("/a", "/a", ""), ("/a?", "/a", ""), ("/a?b=%2F&c=d?e", "/a", "b=%2F&c=d?e"),
            ("/?/../x", "/", "/../x"),
            ("/a//b?c", "/a/b", "c"), ("/%61?b%", "/a", "b%"), ("/a?b#c", "/a", "b"), ("//a?b#c", "/a", "b"),
            ("/a#b?c", "/a", ""),
        ])
    func query(uri: String, path: String, query: String) throws {
        let normalised = try RoutePath(requestURI: uri.utf8)
        #expect(normalised.description == path)
        #expect(String(decoding: normalised.query, as: UTF8.self) == query)
    }

    @Test(
        "hostile paths are refused, each with its reason",
        arguments: [
            ("", RoutePath.Refusal.noLeadingSlash), ("a/b", .noLeadingSlash), ("?a", .noLeadingSlash),
            ("*", .noLeadingSlash), ("http://host/a", .noLeadingSlash), ("%2Fa", .noLeadingSlash),
            ("/a%00b", .encodedNull(offset: 2)), ("/%", .brokenEscape(offset: 1)),
            ("/%4", .brokenEscape(offset: 1)),
            ("/a/%zz", .brokenEscape(offset: 3)), ("/%4g", .brokenEscape(offset: 1)),
            ("/%4?1", .brokenEscape(offset: 1)),
            ("/%+1", .brokenEscape(offset: 1)),
            ("/%FF", .invalidUTF8), ("/%C3", .invalidUTF8), ("/%C3%2FA9", .invalidUTF8),
            ("/%C0%AF", .invalidUTF8),
            ("/%ED%A0%80", .invalidUTF8), ("/%F4%90%80%80", .invalidUTF8),
            ("/a b", .rawControlCharacter(0x20, offset: 2)), ("/a\tb", .rawControlCharacter(9, offset: 2)),
            ("/a\u{7F}", .rawControlCharacter(0x7F, offset: 2)), ("/\0", .rawControlCharacter(0, offset: 1)),
            ("//a\r\n", .rawControlCharacter(0x0D, offset: 3)),
            ("/..", .aboveRoot(offset: 1)), ("/../a", .aboveRoot(offset: 1)),
            ("/a/../..", .aboveRoot(offset: 6)),
            ("//..//a", .aboveRoot(offset: 2)),
            ("/%2e%2e/", .encodedDotSegment(offset: 1)), ("/.%2e/", .encodedDotSegment(offset: 1)),
            ("/%2E", .encodedDotSegment(offset: 1)), ("/a/%2e/b", .encodedDotSegment(offset: 3)),
            ("/a/..%2F", .encodedDotSegment(offset: 3)), ("/a%2F..%2Fb", .encodedDotSegment(offset: 1)),
            ("/a%2f.", .encodedDotSegment(offset: 1)), ("/a%2F%2e%2E", .encodedDotSegment(offset: 1)),
        ])
    func refused(uri: String, refusal: RoutePath.Refusal) {
        #expect(throws: refusal) { try RoutePath(requestURI: uri.utf8) }
        #expect(!refusal.description.isEmpty)
    }

    @Test("raw bytes that are not UTF-8 are refused")
    func rawBytes() {
        #expect(throws: RoutePath.Refusal.invalidUTF8) { try RoutePath(requestURI: [0x2F, 0xFF]) }
        #expect(throws: RoutePath.Refusal.invalidUTF8) { try RoutePath(requestURI: [0x2F, 0xC3]) }
    }

    @Test("what is normalised is normal: once more, with its two escapes, changes nothing")
    func stable() throws {
        var random = SeededGenerator(seed: 11)
        let parts = [
            "/", "/", "a", "b.", ".", "..", "%2F", "%25", "%61", "%2e", "é", "?", "#", "%C3%A9", "%", "\0",
        ]
        var accepted = 0
        for _ in 0..<5_000 {
            let uri = "/" + (0..<8).map { _ in parts.randomElement(using: &random) ?? "" }.joined()
            guard let path = try? RoutePath(requestURI: uri.utf8) else { continue }
            accepted += 1
            #expect(try RoutePath(requestURI: path.bytes).bytes == path.bytes)
            #expect(!path.description.contains("//"))
            #expect(!(path.description + "/").contains("/../") && !(path.description + "/").contains("/./"))
        }
        #expect(accepted > 500)
    }
}

/// SplitMix64: the same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
