import Testing

@testable import PostludeManifest

@Suite("Shapes of patterns")
struct RouteShapeTests {
    @Test(
        "Segments are classified by what they match",
        arguments: [
            ("/", [RouteShape.Segment.literal("")]),
            ("/a/b", [.literal("a"), .literal("b")]),
            ("/a//b/", [.literal("a"), .literal("b"), .literal("")]),
            ("/{x}/{y:int}", [.parameter, .parameter]),
            ("/a{x}/{y}-{z:int}", [.mixed("a{}"), .mixed("{}-{}")]),
            ("/a/{x:path}", [.literal("a"), .rest]),
            ("/{x:[^/]{2}/?}/b", [.unknown, .literal("b")]),
        ])
    func segments(pattern: String, expected: [RouteShape.Segment]) {
        #expect(RouteShape(pattern: pattern).segments == expected)
    }

    @Test("Keys are equal for patterns that differ only in their parameters' names")
    func keys() {
        #expect(RouteShape(pattern: "/{a}/{b:int}").key == RouteShape(pattern: "/{c}/{d:int}").key)
        #expect(RouteShape(pattern: "/{a}/{b:int}").key != RouteShape(pattern: "/{a}/{b}").key)
        #expect(RouteShape(pattern: "/{a:[}{b}]}").key != RouteShape(pattern: "/{a:[}{c}]}").key)
        #expect(RouteShape(pattern: "/{a:[0-9]}").key != RouteShape(pattern: "/{a:[1-9]}").key)
        #expect(RouteShape(pattern: "/a").key != RouteShape(regex: "/a", prefix: "").key)
    }

    @Test(
        "The literal segments at the start of a raw expression are known",
        arguments: [
            ("^/a/b/\\d+$", [RouteShape.Segment.literal("a"), .literal("b"), .unknown]),
            ("/a/(?<id>.*)", [.literal("a"), .unknown]),
            ("^/a|/b/c$", [.unknown]),
            ("^/a.b/c", [.unknown]),
            (".*", [.unknown]),
        ])
    func regex(regex: String, expected: [RouteShape.Segment]) {
        #expect(RouteShape(regex: regex, prefix: "").segments == expected)
        #expect(RouteShape(regex: regex, prefix: "/p").segments == [.literal("p")] + expected)
    }
}
