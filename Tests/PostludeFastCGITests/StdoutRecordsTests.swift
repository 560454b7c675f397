import Testing

@testable import PostludeFastCGI

@Suite("StdoutRecords")
struct StdoutRecordsTests {
    @Test("content is framed in records of at most 65,528 bytes", arguments: [1, 65_528, 65_529, 200_000])
    func framing(count: Int) throws {
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let records = StdoutRecords(content)
        for id: UInt16 in [1, 0x1234] {
            var bytes = records.bytes(for: id)
            #expect(bytes.count == records.byteCount)
            #expect(bytes[1] == 6 && bytes[2] == id >> 8 && bytes[3] == id & 255)
            var found: [UInt8] = []
            while !bytes.isEmpty {
                #expect(UInt16(bytes[2]) << 8 | UInt16(bytes[3]) == id)
                let record = try #require(try FastCGIRecord(takenFrom: &bytes))
                #expect(record.type == .stdout && (1...65_528).contains(record.content.count))
                found += record.content
            }
            #expect(found == content)
        }
        #expect(records.content == content)
    }

    @Test("the end is that of STDOUT, and END_REQUEST")
    func end() {
        #expect(
            StdoutRecords.end(of: 0x0102)
                == Wire.record(6, id: 0x0102) + Wire.record(3, [0, 0, 0, 0, 0, 0, 0, 0], id: 0x0102))
    }
}
