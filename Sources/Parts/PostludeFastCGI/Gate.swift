/// The gate before libfcgi: takes one request after another from a connection's bytes and checks each.
///
/// libfcgi trusts its peer with lengths, counts and order; the gate trusts nothing. It reads no descriptor:
/// bytes go in, in pieces of any size, and a request comes out when its STDIN has ended, or at its head when
/// its body is streamed. What the gate has to say to the web server by itself (FastCGI specification, 4 and
/// 5.5) is collected in `replies`.
package struct Gate: Sendable {
    /// What the bytes so far amount to.
    package enum Progress: Equatable, Sendable {
        /// More bytes are needed.
        case incomplete
        /// A request can be served: `head` and `body` are its own until `finish()`.
        case request
        /// A request is to be answered with the refusal's status; `head` may be cut short.
        case refused(Refusal)
        /// A streamed body has ended: as it should, or with the error.
        case bodyEnded(BodyError?)
        /// The web server has given a request up; the next one may follow.
        case aborted
        /// The replies are to be sent, then the connection closed: the web server did not ask to keep it.
        case closing
    }

    enum Phase {
        case idle, params, stdin, streaming, serving
    }

    let limits: GateLimits
    var phase = Phase.idle
    var head: RequestHead?
    var body: [UInt8] = []
    /// Records for the web server, to be sent before anything else is written.
    var replies: [UInt8] = []

    var requestID: UInt16 = 0
    var keepsConnection = false
    var params: [UInt8] = []
    var policy: BodyPolicy?
    /// How much of a streamed body the records so far announce.
    var streamedBytes = 0
    /// STDIN's end of the last request has been seen.
    var isDrained = true

    // The record that is being read.
    var headerBytes: [UInt8] = []
    var record = RecordHeader(type: .unknownType, requestID: 0, contentLength: 0)
    var contentLeft = 0
    var paddingLeft = 0
    var content: [UInt8] = []

    var strayRecords = 0
    var drainedBytes = 0
    private var hasSeenRecord = false

    package init(limits: GateLimits) {
        self.limits = limits
        headerBytes.reserveCapacity(RecordHeader.byteCount)
    }

    /// Whether the next byte would be the first one of a new request.
    package var isAtRest: Bool {
        phase == .idle && isDrained && headerBytes.isEmpty && contentLeft == 0 && paddingLeft == 0
    }

    /// Whether a request's head has been read and its body has not.
    package var isReadingBody: Bool { phase == .stdin }

    /// Whether a head, or the record header in front of one, has begun.
    package var isReadingHead: Bool { phase == .params || phase == .idle && isDrained && !isAtRest }

    /// Takes bytes until a request is complete, refused, or `bytes` ends.
    ///
    /// - Parameters:
    ///   - bytes: what the connection delivered.
    ///   - offset: where to begin in `bytes`; moved after the last byte taken.
    ///   - bodyPolicy: asked once for each request that has a body, when its head is known.
    /// - Throws: the violation for which the connection must be closed.
    package mutating func advance(
        _ bytes: Span<UInt8>, from offset: inout Int, bodyPolicy: (RequestHead) -> BodyPolicy
    ) throws(ProtocolViolation) -> Progress {
        while offset < bytes.count {
            let left = bytes.count - offset
            if contentLeft > 0 {
                let piece = bytes.extracting(offset..<offset + min(contentLeft, left))
                offset += piece.count
                contentLeft -= piece.count
                if let progress = try take(piece, bodyPolicy) { return progress }
            } else if paddingLeft > 0 {
                let skipped = min(paddingLeft, left)
                offset += skipped
                paddingLeft -= skipped
            } else if headerBytes.isEmpty && left >= RecordHeader.byteCount {
                let header = try header(bytes.extracting(offset..<offset + RecordHeader.byteCount))
                offset += RecordHeader.byteCount
                if let progress = try begin(header, bodyPolicy) { return progress }
            } else {
                headerBytes.append(bytes[offset])
                offset += 1
                guard headerBytes.count == RecordHeader.byteCount else { continue }
                let whole = headerBytes
                headerBytes.removeAll()
                let header = try header(whole.span)
                if let progress = try begin(header, bodyPolicy) { return progress }
            }
        }
        return .incomplete
    }

    private mutating func header(_ bytes: Span<UInt8>) throws(ProtocolViolation) -> RecordHeader {
        do {
            let header = try RecordHeader(bytes)
            hasSeenRecord = true
            return header
        } catch {
            guard !hasSeenRecord, HTTPPeer.begins(bytes) else { throw error }
            replies += HTTPPeer.answer
            throw .http
        }
    }

    /// The request in hand is answered: the gate is ready for the next one, after what is left of this one's
    /// STDIN.
    package mutating func finish() {
        phase = .idle
        head = nil
        body = []
        params = []
        policy = nil
        streamedBytes = 0
    }

    /// Moves the complete request out of the gate.
    package mutating func takeRequest() -> (head: RequestHead, body: [UInt8]) {
        // Without a request in hand there is nothing to answer.
        let taken =
            head
            ?? RequestHead(
                refused: requestID, keepsConnection: keepsConnection, stream: [], because: .parameter)
        defer { body = [] }
        return (taken, body)
    }

    /// Hands over the replies collected so far.
    package mutating func takeReplies() -> [UInt8] {
        defer { replies = [] }
        return replies
    }
}
