import Testing

@testable import PostludeFastCGI

@Suite("RequestHead")
struct RequestHeadTests {
    @Test(
        "the target's path is a URI reference, as it was sent",
        arguments: [
            ("/a%20b/c?token=secret", "/a%20b/c"), ("http://host/a?b", "http://host/a"), ("*", "*"),
            ("/a b", nil), ("/\u{e9}", nil), ("/<script>", nil), ("/a\"b", nil), ("?a", nil), ("", nil),
            ("/" + String(repeating: "a", count: 2_048), nil),
        ])
    func targetPath(target: String, expected: String?) throws {
        #expect(try RequestHead(parameters: [("REQUEST_URI", target)]).targetPath == expected)
    }

    @Test("a request without a target has no path")
    func noTarget() throws {
        #expect(try RequestHead(parameters: [("REQUEST_METHOD", "GET")]).targetPath == nil)
    }
}
