/// Bytes that no FastCGI web server sends: the connection is closed and the violation counted.
package enum ProtocolViolation: Error, Hashable, CustomStringConvertible {
    case version(UInt8)
    case truncatedHeader
    /// A record that an application never receives, or one in the wrong place.
    case unexpectedRecord(type: UInt8)
    case beginRequestLength(Int)
    case repeatedBeginRequest(id: UInt16)
    /// An application record with id 0, or a management record with another id.
    case requestID(UInt16, type: UInt8)
    case nameValuePairs
    /// More management records or records of other requests than any web server has a reason to send.
    case flood
    /// An HTTP request. It was answered, in its own protocol.
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
        case .http: "an HTTP request on the FastCGI socket, which a web server should stand before"
        }
    }
}
