import Glibc
package import PostludeSystem

/// A small, complete response that is sent at once and without libfcgi, by a thread that answers in a worker's place.
///
/// Its body has the format of the application's other errors, without the members that depend on the request.
package struct ShortResponse: Sendable {
    /// The format of the body.
    package enum Format: Sendable {
        /// `{"detail":"…"}`, as in FastAPI.
        case detail
        /// Problem details (RFC 9457).
        case problem
    }

    package let status: Int
    private let head: [UInt8]
    private let body: [UInt8]

    /// - Parameters:
    ///   - reason: the status's reason phrase, which is also `detail` in the body.
    ///   - fields: header fields other than Content-Type and Content-Length.
    ///   - identifier: the request's id, which its log line has, too.
    package init(
        status: Int, reason: String, fields: [(name: String, value: String)] = [],
        identifier: String? = nil, format: Format = .detail
    ) {
        self.status = status
        let text = Self.quoted(reason)
        var json = "{\"detail\":\(text)"
        if let identifier { json += ",\"request_id\":\(Self.quoted(identifier))" }
        if format == .problem { json += ",\"status\":\(status),\"title\":\(text),\"type\":\"about:blank\"" }
        body = Array((json + "}").utf8)
        let type = format == .problem ? "application/problem+json" : "application/json"
        let all =
            [("Status", "\(status) \(reason)"), ("Content-Type", type)]
            + fields + [("Content-Length", "\(body.count)")]
        let lines = all.map { name, value in
            // Without control characters, a value cannot begin a new line.
            "\(name): \(String(decoding: value.utf8.map { $0 < 0x20 ? 0x20 : $0 }, as: UTF8.self))\r\n"
        }
        head = Array((lines.joined() + "\r\n").utf8)
    }

    /// Returns a 503, for when every worker is busy or the process is about to end.
    ///
    /// - Parameter retryAfter: how long the client should wait; rounded up to whole seconds.
    package static func serviceUnavailable(retryAfter: Duration, format: Format = .detail) -> ShortResponse {
        let (seconds, attoseconds) = retryAfter.components
        let whole = max(0, attoseconds > 0 && seconds < .max ? seconds + 1 : seconds)
        return ShortResponse(
            status: 503, reason: "Service Unavailable", fields: [("Retry-After", "\(whole)")], format: format)
    }

    /// Returns a 408, for a request of which the rest did not come in time.
    package static func requestTimeout(format: Format = .detail) -> ShortResponse {
        ShortResponse(status: 408, reason: "Request Timeout", format: format)
    }

    /// Returns a 504, for a handler that did not answer in time.
    package static func gatewayTimeout(identifier: String? = nil, format: Format = .detail) -> ShortResponse {
        ShortResponse(status: 504, reason: "Gateway Timeout", identifier: identifier, format: format)
    }

    /// Returns the records of the response: STDOUT, its end, and END_REQUEST.
    ///
    /// - Parameter isHead: whether it answers a HEAD request, and so has no body.
    package func records(requestID: UInt16, isHead: Bool) -> [UInt8] {
        var records: [UInt8] = []
        var rest = (isHead ? head : head + body)[...]
        while !rest.isEmpty {
            let piece = rest.prefix(0xffff)
            RecordHeader(type: .stdout, requestID: requestID, contentLength: piece.count).write(to: &records)
            records += piece
            rest = rest.dropFirst(piece.count)
        }
        RecordHeader(type: .stdout, requestID: requestID, contentLength: 0).write(to: &records)
        RecordHeader(type: .endRequest, requestID: requestID, contentLength: 8).write(to: &records)
        records += [0, 0, 0, 0, ProtocolStatus.requestComplete.rawValue, 0, 0, 0]
        return records
    }

    /// Sends the response to a request whose response has not begun, without blocking.
    ///
    /// The caller then gives the connection back, and keeps it if this returned true and `head.keepsConnection` is
    /// true.
    ///
    /// - Returns: whether the kernel has taken all of it; otherwise the connection must be closed.
    package func send(to head: RequestHead, on connection: Connection) -> Bool {
        guard !connection.isForgotten else { return false }
        // A response that another process has begun can only be ended.
        let records =
            connection.isResumed
            ? StdoutRecords.end(of: head.requestID)
            : records(requestID: head.requestID, isHead: Self.isHead(head))
        return send(records, to: connection.descriptor)
    }

    /// Returns the size of the body, and of head and body together, in bytes, of the response to a request.
    fileprivate func byteCount(for head: RequestHead) -> (body: Int, all: Int) {
        let bodyBytes = Self.isHead(head) ? 0 : body.count
        return (bodyBytes, self.head.count + bodyBytes)
    }

    private static func isHead(_ head: RequestHead) -> Bool {
        head.value("REQUEST_METHOD")?.elementsEqual("HEAD".utf8) == true
    }

    private func send(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
        return bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, flags) }
            == bytes.count
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\":
                quoted += "\\"
                quoted.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

/// A request that was answered without a worker: all were busy, or its body did not arrive in time.
package struct UnservedRequest: Sendable {
    package let head: RequestHead
    package let response: ShortResponse
    /// Whether the kernel has taken the whole response.
    package let isSent: Bool
    /// The time at which the request began to wait, or its body began to be collected.
    package let start: MonotonicTime

    /// Sends the response.
    init(_ head: RequestHead, on connection: Connection, since start: MonotonicTime, answer: ShortResponse) {
        self.head = head
        self.start = start
        response = answer
        isSent = answer.send(to: head, on: connection)
    }

    /// The bytes sent, of the body, and of head and body together; none if the kernel did not take all.
    package var bytesSent: (body: Int, all: Int) { isSent ? response.byteCount(for: head) : (0, 0) }
}
