import Testing

@testable import PostludeFastCGI

@Suite("RecordHeader")
struct RecordHeaderTests {
    @Test("Eight bytes are read and written as in the specification")
    func bytes() throws {
        let bytes: [UInt8] = [1, 4, 0x12, 0x34, 0xff, 0xfe, 7, 0]
        let header = try RecordHeader(bytes.span)
        #expect(
            header
                == RecordHeader(type: .params, requestID: 0x1234, contentLength: 0xfffe, paddingLength: 7))
        var written: [UInt8] = [9]
        header.write(to: &written)
        #expect(written == [9] + bytes)
    }

    @Test("A type that is not in the specification is kept, and the reserved byte is ignored")
    func unknownType() throws {
        let bytes: [UInt8] = [1, 200, 0, 0, 0, 0, 0, 99]
        #expect(try RecordHeader(bytes.span).type == RecordType(rawValue: 200))
    }

    @Test("Another version, and another number of bytes, are refused")
    func refused() {
        func read(_ bytes: [UInt8]) throws(ProtocolViolation) -> RecordHeader { try RecordHeader(bytes.span) }
        #expect(throws: ProtocolViolation.self) { try read([2, 1, 0, 1, 0, 8, 0, 0]) }
        #expect(throws: ProtocolViolation.self) { try read([1, 1, 0, 1, 0, 8, 0]) }
        #expect(throws: ProtocolViolation.self) { try read([1, 1, 0, 1, 0, 8, 0, 0, 0]) }
        #expect(throws: ProtocolViolation.self) { try read([]) }
    }

    @Test("A record is read when it is complete, with its padding")
    func records() throws {
        let record = FastCGIRecord(type: .stdout, content: Array("hello".utf8))
        var bytes = record.bytes
        bytes[6] = 3
        bytes += [0, 0, 0]
        let whole = bytes + [1]
        for count in 0..<bytes.count {
            var part = Array(whole.prefix(count))
            #expect(try FastCGIRecord(takenFrom: &part) == nil && part.count == count)
        }
        var rest = whole
        let taken = try #require(try FastCGIRecord(takenFrom: &rest))
        #expect(taken.content == record.content && taken.type == .stdout && rest == [1])
        var other: [UInt8] = [2] + whole.dropFirst()
        #expect(throws: ProtocolViolation.version(2)) { try FastCGIRecord(takenFrom: &other) }
    }
}
