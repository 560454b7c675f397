internal import HTTPTypes

/// A response's head as a FastCGI application writes it (RFC 3875, 6.3: `Status`, fields, an empty line).
enum ResponseHead {
    /// Writes the head of `response` into `bytes`, whose old content goes.
    static func write(_ response: Response, into bytes: inout [UInt8]) {
        bytes.removeAll(keepingCapacity: true)
        append("Status", "\(response.status.code) \(response.status.reasonPhrase)", to: &bytes)
        if let contentType = response.contentType, response.headers[.contentType] == nil {
            append("Content-Type", contentType, to: &bytes)
        }
        if response.status.allowsBody { append("Content-Length", "\(response.body.count)", to: &bytes) }
        for field in response.headers where !isOwn(field.name) {
            append(field.name.rawName, field.value, to: &bytes)
        }
        bytes += "\r\n".utf8
    }

    /// Fields that only the server may write: a second one would contradict the first, or change the status.
    private static func isOwn(_ name: HTTPField.Name) -> Bool {
        name == .contentLength || name.canonicalName == "status"
    }

    /// A value's control characters become spaces: no value can begin a line of its own.
    private static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
        bytes += name.utf8
        bytes += ": ".utf8
        let start = bytes.count
        bytes += value.utf8
        for index in start..<bytes.count where bytes[index] < 0x20 || bytes[index] == 0x7f {
            bytes[index] = UInt8(ascii: " ")
        }
        bytes += "\r\n".utf8
    }
}

extension HTTPResponse.Status {
    /// Informational, 204 and 304 responses have no body (RFC 9110, 6.4.1).
    var allowsBody: Bool { kind != .informational && code != 204 && code != 304 }
}
