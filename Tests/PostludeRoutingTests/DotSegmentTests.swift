import Testing

@testable import PostludeRouting

@Suite("DotSegment")
struct DotSegmentTests {
    @Test("One dot names the folder, two name the one above, and nothing else does")
    func dots() {
        #expect(DotSegment(".".utf8) == .current)
        #expect(DotSegment("..".utf8) == .parent)
        for other in ["", "...", "a", ".a", "a.", "..a", "%2E"] { #expect(DotSegment(other.utf8) == nil) }
    }

    @Test(
        "One between escaped slashes is found",
        arguments: ["..", ".", "a%2F..", "..%2Fa", "a%2F.%2Fb", "%2F.."])
    func hidden(segment: String) {
        #expect(DotSegment.isHidden(in: Array(segment.utf8)[...]))
    }

    @Test(
        "Dots within a name are no such thing",
        arguments: ["", "a", "a%2Fb", "..a%2Fb..", "a%2F...", "a%25.."])
    func names(segment: String) {
        #expect(!DotSegment.isHidden(in: Array(segment.utf8)[...]))
    }
}
