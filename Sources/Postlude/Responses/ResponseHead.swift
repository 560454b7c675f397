internal import HTTPTypes

/// A response's head as a FastCGI application writes it (RFC 3875, 6.3: `Status`, fields, an empty line).
enum ResponseHead {
    /// The maximum size of all header fields of an application's response together, in bytes.
    static let fieldLimit = 14 << 10
    /// The maximum size of a whole head in bytes, with the fields that the server adds: Task-Id, and those of a file.
    static let limit = 16 << 10

    /// Checks the size of a response's header fields.
    ///
    /// - Throws: if it exceeds `fieldLimit`, for which the buffers of web servers are configured.
    static func check(_ response: Response) throws(HeadTooLarge) {
        var size = 0
        var largest = (name: "", size: 0)
        for field in response.headers {
            // The name, a colon and a space, the value, and the line's end.
            let own = field.name.rawName.utf8.count + field.value.utf8.count + 4
            size += own
            if own > largest.size { largest = (field.name.rawName, own) }
        }
        guard size <= fieldLimit else {
            throw HeadTooLarge(size: size, largestName: largest.name, largestSize: largest.size)
        }
    }

    /// Writes the head of `response` into `bytes`, replacing the contents.
    static func write(_ response: Response, into bytes: inout [UInt8]) {
        bytes.removeAll(keepingCapacity: true)
        append("Status", to: &bytes) {
            append(response.status.code, to: &$0)
            $0.append(UInt8(ascii: " "))
            append(value: response.status.reasonPhrase, to: &$0)
        }
        if let contentType = response.contentType, response.headers[.contentType] == nil {
            append("Content-Type", to: &bytes) { append(value: contentType, to: &$0) }
        }
        if response.status.allowsLength, let count = response.body.count {
            append("Content-Length", to: &bytes) { append(response.status.allowsBody ? count : 0, to: &$0) }
        }
        for field in response.headers where !isOwn(field.name.canonicalName) {
            append(field.name.rawName, field.value, to: &bytes)
        }
        append("\r\n", to: &bytes)
    }

    /// Whether only the server may write a field. A second `Content-Length` or `Status` would contradict the first one; the
    /// fields of a connection, such as `Transfer-Encoding`, would change how the web server frames the body.
    private static func isOwn(_ name: String) -> Bool {
        // For most names, the length decides.
        switch name.utf8.count {
        case 2: name == "te"
        case 6: name == "status"
        case 7: name == "trailer" || name == "upgrade"
        case 10: name == "connection" || name == "keep-alive"
        case 14: name == "content-length"
        case 16: name == "proxy-connection"
        case 17: name == "transfer-encoding"
        default: false
        }
    }

    /// Appends a field of the server's own.
    ///
    /// - Parameter appendValue: appends the value.
    private static func append(
        _ name: StaticString, to bytes: inout [UInt8], _ appendValue: (inout [UInt8]) -> Void
    ) {
        append(name, to: &bytes)
        append(": ", to: &bytes)
        appendValue(&bytes)
        append("\r\n", to: &bytes)
    }

    /// A string in the program's text needs no conversion to bytes.
    private static func append(_ text: StaticString, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends a field. The value's control characters become spaces, so that it cannot begin another line.
    private static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
        bytes += name.utf8
        append(": ", to: &bytes)
        append(value: value, to: &bytes)
        append("\r\n", to: &bytes)
    }

    private static func append(value: String, to bytes: inout [UInt8]) {
        let start = bytes.count
        bytes += value.utf8
        for index in start..<bytes.count where bytes[index] < 0x20 || bytes[index] == 0x7f {
            bytes[index] = UInt8(ascii: " ")
        }
    }

    /// Appends a number's decimal digits, without a string of their own.
    private static func append(_ number: Int, to bytes: inout [UInt8]) {
        var place = 1
        while number / place >= 10 { place *= 10 }
        while place > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(number / place % 10))
            place /= 10
        }
    }
}

/// The error of a response whose header fields are too large for web servers.
struct HeadTooLarge: Error, CustomStringConvertible {
    let size: Int
    let largestName: String
    let largestSize: Int

    var description: String {
        """
        the response's header fields have \(size) bytes together, more than the \(ResponseHead.fieldLimit) that web \
        servers have room for; the largest is \(largestName) with \(largestSize) bytes
        """
    }
}

extension HTTPResponse.Status {
    /// Informational, 204 and 304 responses have no body (RFC 9110, 6.4.1), and 205 must not have one (15.3.6).
    var allowsBody: Bool { allowsLength && code != 205 }

    /// A 204 has no Content-Length (RFC 9110, 8.6), and that of a 304 would be another response's.
    var allowsLength: Bool { kind != .informational && code != 204 && code != 304 }
}
