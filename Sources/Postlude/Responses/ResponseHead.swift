internal import HTTPTypes

/// A response's head as a FastCGI application writes it (RFC 3875, 6.3: `Status`, fields, an empty line).
enum ResponseHead {
    /// How many bytes the fields of an application's response may have together.
    static let fieldLimit = 14 << 10
    /// How many a whole head has at most, with the fields that the server adds: Task-Id, and those of a file.
    static let limit = 16 << 10

    /// - Throws: where the fields are larger than web servers are given room for.
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

    /// Writes the head of `response` into `bytes`, whose old content goes.
    static func write(_ response: Response, into bytes: inout [UInt8]) {
        bytes.removeAll(keepingCapacity: true)
        append("Status", "\(response.status.code) \(response.status.reasonPhrase)", to: &bytes)
        if let contentType = response.contentType, response.headers[.contentType] == nil {
            append("Content-Type", contentType, to: &bytes)
        }
        if response.status.allowsLength, let count = response.body.count {
            append("Content-Length", "\(response.status.allowsBody ? count : 0)", to: &bytes)
        }
        for field in response.headers where !isOwn(field.name.canonicalName) {
            append(field.name.rawName, field.value, to: &bytes)
        }
        bytes += "\r\n".utf8
    }

    /// Fields that only the server may write: a second one would contradict the first, or change the status; and those
    /// between the web server and its client, such as `Transfer-Encoding`, would change how the body is framed.
    private static func isOwn(_ name: String) -> Bool {
        // Most names are told apart by their length.
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

/// A response that no web server would pass on.
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
