/// Content of STDOUT, framed once for all responses that send it.
package struct StdoutRecords: Sendable {
    /// The largest content of one record. A multiple of eight needs no padding (FastCGI specification, 3.3).
    private static let largest = 65_528

    /// The records of request 1: nearly all web servers use this id only.
    private let bytes: [UInt8]

    package init(_ content: [UInt8]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(content.count + RecordHeader.byteCount)
        var rest = content[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Self.largest)
            RecordHeader(type: .stdout, requestID: 1, contentLength: piece.count).write(to: &bytes)
            bytes += piece
            rest = rest.dropFirst(piece.count)
        }
        self.bytes = bytes
    }

    package var byteCount: Int { bytes.count }

    /// The content, without records.
    package var content: [UInt8] {
        var content: [UInt8] = []
        var rest = bytes
        // The bytes are records of this type's own, which are complete.
        while let record = try? FastCGIRecord(takenFrom: &rest) { content += record.content }
        return content
    }

    /// Returns the records of a request. Those of request 1 share their memory.
    func bytes(for requestID: UInt16) -> [UInt8] {
        guard requestID != 1 else { return bytes }
        var own = bytes
        var header = 0
        while header + RecordHeader.byteCount <= own.count {
            own[header + 2] = UInt8(requestID >> 8)
            own[header + 3] = UInt8(truncatingIfNeeded: requestID)
            header += RecordHeader.byteCount + (Int(own[header + 4]) << 8 | Int(own[header + 5]))
        }
        return own
    }

    /// The end of STDOUT, and END_REQUEST (FastCGI specification, 5.5).
    static func end(of requestID: UInt16) -> [UInt8] {
        var bytes: [UInt8] = []
        RecordHeader(type: .stdout, requestID: requestID, contentLength: 0).write(to: &bytes)
        RecordHeader(type: .endRequest, requestID: requestID, contentLength: 8).write(to: &bytes)
        return bytes + [0, 0, 0, 0, ProtocolStatus.requestComplete.rawValue, 0, 0, 0]
    }
}
