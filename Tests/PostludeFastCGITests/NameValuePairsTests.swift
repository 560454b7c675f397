import Testing

@testable import PostludeFastCGI

@Suite("NameValuePairs")
struct NameValuePairsTests {
    private func read(_ bytes: [UInt8]) throws -> [(String, String)] {
        var reader = NameValuePairs()
        var pairs: [(String, String)] = []
        while let pair = try reader.next(in: bytes.span) {
            pairs.append(
                (
                    String(decoding: bytes[pair.name], as: UTF8.self),
                    String(decoding: bytes[pair.value], as: UTF8.self)
                ))
        }
        return pairs
    }

    @Test("reads and writes lengths of one and four bytes", arguments: [0, 1, 127, 128, 65_535, 100_000])
    func lengths(count: Int) throws {
        let value = String(repeating: "v", count: count)
        let pairs = try read(Wire.pair("A", value) + Wire.pair(value, "B"))
        #expect(pairs.map(\.0) == ["A", value])
        #expect(pairs.map(\.1) == [value, "B"])
        var written: [UInt8] = []
        NameValuePairs.append(name: "A", value: value, to: &written)
        NameValuePairs.append(name: value, value: "B", to: &written)
        #expect(written == Wire.pair("A", value) + Wire.pair(value, "B"))
    }

    @Test("every truncated stream is a violation")
    func truncation() throws {
        let whole = Wire.pair("NAME", String(repeating: "v", count: 200))
        for count in 1..<whole.count {
            #expect(throws: ProtocolViolation.nameValuePairs) { try read(Array(whole.prefix(count))) }
        }
    }

    @Test("lengths near 2^31 are compared, not added up or allocated")
    func huge() {
        let max: [UInt8] = [0xff, 0xff, 0xff, 0xff]
        for bytes in [max + max, [1] + max + [65], max + [1] + [65]] {
            #expect(throws: ProtocolViolation.nameValuePairs) { try read(bytes) }
        }
    }
}
