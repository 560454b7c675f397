import Testing

@testable import PostludeRouting

@Suite("DotSegment")
struct DotSegmentTests {
    @Test("One dot names the folder, two dots the one above, and other names are not dot segments")
    func dots() {
        #expect(DotSegment(".".utf8) == .current)
        #expect(DotSegment("..".utf8) == .parent)
        for other in ["", "...", "a", ".a", "a.", "..a", "%2E"] { #expect(DotSegment(other.utf8) == nil) }
    }

    @Test(
        "A dot segment between escaped slashes is found",
        arguments: ["..", ".", "a%2F..", "..%2Fa", "a%2F.%2Fb", "%2F.."])
    func hidden(segment: String) {
        #expect(DotSegment.isHidden(in: Array(segment.utf8)[...]))
    }

    @Test(
        "Dots within a name are not a dot segment",
        arguments: ["", "a", "a%2Fb", "..a%2Fb..", "a%2F...", "a%25.."])
    func names(segment: String) {
        #expect(!DotSegment.isHidden(in: Array(segment.utf8)[...]))
    }
}
