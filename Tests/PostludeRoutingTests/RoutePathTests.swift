import PostludeRouting
import PostludeSystem
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
        #expect(try RoutePath(requestURI: Array(uri.utf8)).bytes.elementsEqual(expected.utf8))
    }

    @Test(
        "the query is cut off and stays unchanged",
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
        "an absolute target loses its scheme and authority",
        arguments: [
            ("http://host/a/b?c=d", "/a/b", "c=d"), ("HTTPS://example.org:8443/", "/", ""),
            ("http://host", "/", ""), ("http://host?a=/b", "/", "a=/b"), ("http://host#a", "/", ""),
            ("http://user:pass@[::1]:80//a/../%61dmin?x#y", "/admin", "x"),
            ("http://host//other/a", "/other/a", ""), ("http://host/http://other/a", "/http:/other/a", ""),
            ("coap+tcp://h/a", "/a", ""),
        ])
    func absoluteForm(uri: String, path: String, query: String) throws {
        let normalised = try RoutePath(requestURI: uri.utf8)
        #expect(normalised.description == path)
        #expect(String(decoding: normalised.query, as: UTF8.self) == query)
        // The path in the log is routed in the same way.
        let origin = AbsoluteForm.originForm(of: Array(uri.utf8)[...])
        #expect(origin.first == UInt8(ascii: "/"))
        #expect(try RoutePath(requestURI: origin) == normalised)
    }

    @Test("a target of another form is logged unchanged", arguments: ["/a?b", "*", "", "http:/a", "host:80"])
    func otherForms(target: String) {
        #expect(Array(AbsoluteForm.originForm(of: Array(target.utf8)[...])) == Array(target.utf8))
    }

    @Test(
        "hostile paths are refused, each with its reason",
        arguments: [
            ("", RoutePath.Refusal.noPath), ("a/b", .noPath), ("?a", .noPath),
            ("*", .noPath), ("%2Fa", .noPath), ("host:80", .noPath), ("http:/a", .noPath),
            ("http:///a", .noPath),
            ("http://", .noPath), ("://host/a", .noPath), ("1http://host/a", .noPath),
            ("http://a b/c", .noPath), ("http://a\\b/c", .noPath), ("http://host\0/a", .noPath),
            ("http:%2F%2Fhost/a", .noPath), ("http://h\u{e9}/a", .noPath),
            ("http://host/%00", .encodedNull(offset: 1)), ("http://host/../a", .aboveRoot(offset: 1)),
            ("http://host/%2e%2e/a", .encodedDotSegment(offset: 1)),
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

    @Test("normalization is idempotent: a normal path, with its two escapes, does not change")
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
