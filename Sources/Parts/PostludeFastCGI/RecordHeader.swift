/// The eight bytes in front of every FastCGI record (FastCGI specification, 3.3).
struct RecordHeader: Equatable {
    static let byteCount = 8
    static let version: UInt8 = 1

    var type: RecordType
    var requestID: UInt16
    var contentLength: Int
    var paddingLength: Int

    init(type: RecordType, requestID: UInt16, contentLength: Int, paddingLength: Int = 0) {
        self.type = type
        self.requestID = requestID
        self.contentLength = contentLength
        self.paddingLength = paddingLength
    }

    /// Reads a header from exactly eight bytes.
    init(_ bytes: Span<UInt8>) throws(ProtocolViolation) {
        guard bytes.count == Self.byteCount else { throw .truncatedHeader }
        guard bytes[0] == Self.version else { throw .version(bytes[0]) }
        type = RecordType(rawValue: bytes[1])
        requestID = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        contentLength = Int(bytes[4]) << 8 | Int(bytes[5])
        paddingLength = Int(bytes[6])
    }

    /// Appends the header to `bytes`; `contentLength` is at most 65,535.
    func write(to bytes: inout [UInt8]) {
        bytes += [
            Self.version, type.rawValue, UInt8(requestID >> 8), UInt8(truncatingIfNeeded: requestID),
            UInt8(truncatingIfNeeded: contentLength >> 8), UInt8(truncatingIfNeeded: contentLength),
            UInt8(truncatingIfNeeded: paddingLength), 0,
        ]
    }
}

/// A record's type (FastCGI specification, 8). A type that the specification does not define keeps its number.
package struct RecordType: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let beginRequest = RecordType(rawValue: 1)
    static let abortRequest = RecordType(rawValue: 2)
    package static let endRequest = RecordType(rawValue: 3)
    package static let params = RecordType(rawValue: 4)
    package static let stdin = RecordType(rawValue: 5)
    package static let stdout = RecordType(rawValue: 6)
    static let stderr = RecordType(rawValue: 7)
    static let data = RecordType(rawValue: 8)
    static let getValues = RecordType(rawValue: 9)
    static let getValuesResult = RecordType(rawValue: 10)
    static let unknownType = RecordType(rawValue: 11)
}

/// A whole record, as a client of a FastCGI server sends and receives it. Its request id is 1.
package struct FastCGIRecord {
    package let type: RecordType
    package let content: [UInt8]

    /// - Parameter content: the content, of at most 65,535 bytes.
    package init(type: RecordType, content: [UInt8]) {
        self.type = type
        self.content = content
    }

    /// Removes the first record from `bytes`; nil if it is not complete.
    package init?(takenFrom bytes: inout [UInt8]) throws(ProtocolViolation) {
        guard bytes.count >= RecordHeader.byteCount else { return nil }
        let header = try RecordHeader(bytes.span.extracting(first: RecordHeader.byteCount))
        let end = RecordHeader.byteCount + header.contentLength
        guard bytes.count >= end + header.paddingLength else { return nil }
        type = header.type
        content = Array(bytes[RecordHeader.byteCount..<end])
        bytes.removeFirst(end + header.paddingLength)
    }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        RecordHeader(type: type, requestID: 1, contentLength: content.count).write(to: &bytes)
        return bytes + content
    }
}

/// How a request ended, in END_REQUEST (FastCGI specification, 5.5).
enum ProtocolStatus: UInt8 {
    case requestComplete = 0
    case cannotMultiplex = 1
    case unknownRole = 3
}

/// Bytes that no FastCGI web server sends: the connection is closed and the violation counted.
package enum ProtocolViolation: Error, Hashable, CustomStringConvertible {
    case version(UInt8)
    case truncatedHeader
    /// A record that an application never receives, or a record out of order.
    case unexpectedRecord(type: UInt8)
    case beginRequestLength(Int)
    case repeatedBeginRequest(id: UInt16)
    /// An application record with id 0, or a management record with another id.
    case requestID(UInt16, type: UInt8)
    case nameValuePairs
    /// More management records or records of other requests than any web server has a reason to send.
    case flood
    /// An HTTP request, which was answered in HTTP.
    case http

    package var description: String {
        switch self {
        case .version(let version): "record of FastCGI version \(version), expected 1"
        case .truncatedHeader: "a record header of fewer than 8 bytes"
        case .unexpectedRecord(let type): "unexpected record of type \(type)"
        case .beginRequestLength(let length): "BEGIN_REQUEST of \(length) bytes, expected 8"
        case .repeatedBeginRequest(let id): "second BEGIN_REQUEST for the active request \(id)"
        case .requestID(let id, let type): "record of type \(type) with request id \(id)"
        case .nameValuePairs: "name-value pairs that do not fit their record or stream"
        case .flood: "too many records that belong to no request"
        case .http: "an HTTP request on the FastCGI socket; send it to the web server in front of it"
        }
    }
}
