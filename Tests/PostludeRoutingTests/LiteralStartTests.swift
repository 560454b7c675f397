import Testing

@testable import PostludeRouting

@Suite("The literal start of a pattern's paths")
struct LiteralStartTests {
    @Test(
        "Whole literal segments, decoded",
        arguments: [
            ("/", [""], true), ("/a/b", ["a", "b"], true), ("/a/", ["a", ""], true),
            ("/a/{x}/b", ["a"], false), ("/a{x}", [], false), ("/a/{x:path}", ["a"], false),
            ("/a%20b/100%25", ["a b", "100%"], true), ("/a/b%2Fc/d", ["a"], false),
        ])
    func segments(pattern: String, expected: [String], isWhole: Bool) throws {
        let start = try RoutePattern(pattern).literalStart
        #expect(start.segments == expected)
        #expect(start.isWhole == isWhole)
        #expect(!start.mayEnd)
    }

    @Test("An expression may end after its literals")
    func expression() throws {
        let start = try RoutePattern(regex: "^/a/(?<x>.*)$").prefixed(by: "/api").literalStart
        #expect(start == RoutePattern.LiteralStart(segments: ["api", "a"], isWhole: false, mayEnd: true))
    }
}
