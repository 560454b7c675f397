import Testing

@testable import Postlude

@Suite("ByteRange")
struct ByteRangeTests {
    @Test(
        "one range is a part",
        arguments: [
            ("bytes=0-0", 0..<1), ("bytes=0-9", 0..<10), ("bytes=5-", 5..<10), ("bytes=9-9", 9..<10),
            ("bytes=2-3", 2..<4), ("bytes=2-100", 2..<10), ("bytes=-3", 7..<10), ("bytes=-100", 0..<10),
            ("BYTES = 1-2 ", 1..<3), ("bytes=0-99999999999999999999", 0..<10),
        ])
    func part(field: String, range: Range<Int>) {
        #expect(ByteRange(field, of: 10) == .part(range))
    }

    @Test(
        "a range after the end cannot be satisfied",
        arguments: ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999-"])
    func unsatisfiable(field: String) {
        #expect(ByteRange(field, of: 10) == .unsatisfiable)
    }

    @Test(
        "an invalid range, or more than one, gets the whole",
        arguments: [
            "", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=3-2", "bytes=1-2,4-5", "bytes=0-0,-1",
            "items=0-1", "bytes=+1-2", "bytes=1 -2", "bytes=1-2-3", "bytes=0x1-2", "bytes=٣-٤", "bytes=--1",
        ])
    func whole(field: String) {
        #expect(ByteRange(field, of: 10) == .whole)
    }

    @Test("an empty content has no part")
    func empty() {
        #expect(ByteRange("bytes=0-", of: 0) == .unsatisfiable)
        #expect(ByteRange("bytes=-5", of: 0) == .whole)
    }
}
