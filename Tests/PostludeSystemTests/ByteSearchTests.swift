import PostludeSystem
import Testing

@Suite("Searching bytes")
struct ByteSearchTests {
    private func find(_ needle: String, in text: String, from start: Int = 0) -> Int? {
        Array(text.utf8).firstIndex(of: Array(needle.utf8), from: start)
    }

    @Test("The first match at or after the start is found")
    func places() {
        #expect(find("ab", in: "abcab") == 0)
        #expect(find("ab", in: "abcab", from: 1) == 3)
        #expect(find("ab", in: "abcab", from: 4) == nil)
        #expect(find("x", in: "abcab") == nil)
        #expect(find("abcabc", in: "abcab") == nil)
        #expect(find("aab", in: "aaaab") == 2)
    }

    @Test("A start outside the bytes finds nothing, nor does an empty array")
    func bounds() {
        #expect(find("a", in: "a", from: -1) == nil)
        #expect(find("a", in: "a", from: 1) == nil)
        #expect(find("a", in: "a", from: 2) == nil)
        #expect(find("a", in: "") == nil)
    }

    @Test("Agrees with a search that compares at each position")
    func reference() {
        for _ in 0..<500 {
            let bytes = (0..<Int.random(in: 1...40)).map { _ in UInt8.random(in: 0...1) }
            let needle = (0..<Int.random(in: 1...4)).map { _ in UInt8.random(in: 0...1) }
            let start = Int.random(in: 0...bytes.count)
            let expected = bytes.indices.first { $0 >= start && bytes[$0...].starts(with: needle) }
            #expect(
                bytes.firstIndex(of: needle, from: start) == expected, "\(needle) in \(bytes) from \(start)")
        }
    }
}
