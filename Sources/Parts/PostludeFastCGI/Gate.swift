/// Reads FastCGI records in the place of libfcgi: takes one request after another from a connection's bytes, and checks it.
///
/// libfcgi would rely on the lengths, counts and order that its peer sends; the gate checks all of them. It does not read
/// from a descriptor: the caller passes bytes, in pieces of any size, and gets a request when its STDIN has ended, or
/// after its head if its body is streamed. Replies that the gate itself sends to the web server (FastCGI specification,
/// 4 and 5.5) are collected in `replies`.
package struct Gate: Sendable {
    /// The result of `advance`.
    package enum Progress: Equatable, Sendable {
        /// More bytes are needed.
        case incomplete
        /// A request can be served; `head` and `body` belong to it until `finish()`.
        case request
        /// A request must be answered with the refusal's status; its `head` may be incomplete.
        case refused(Refusal)
        /// A streamed body has ended; the error is nil if it is complete.
        case bodyEnded(BodyError?)
        /// The web server has aborted a request; the next one may follow.
        case aborted
        /// The connection must be closed after the replies are sent: the web server did not ask to keep it.
        case closing
    }

    private enum Phase {
        case idle, params, stdin, streaming, serving, parked
    }

    let limits: GateLimits
    private var phase = Phase.idle
    private var head: RequestHead?
    private(set) var body: [UInt8] = []
    /// Records for the web server, to be sent before anything else is written.
    private var replies: [UInt8] = []

    private var requestID: UInt16 = 0
    private var keepsConnection = false
    private var params: [UInt8] = []
    private(set) var policy: BodyPolicy?
    /// Bytes of a streamed body, according to the headers of its records so far.
    private(set) var streamedBytes = 0
    /// Whether the end of the last request's STDIN has been read.
    private(set) var isDrained = true

    // The current record.
    private var headerBytes: [UInt8] = []
    private var record = RecordHeader(type: .unknownType, requestID: 0, contentLength: 0)
    private var contentLeft = 0
    private var paddingLeft = 0
    private var content: [UInt8] = []

    private var strayRecords = 0
    private var drainedBytes = 0
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

    /// Reads bytes until a request is complete or refused, or `bytes` ends.
    ///
    /// - Parameters:
    ///   - bytes: bytes read from the connection.
    ///   - offset: the index in `bytes` at which to begin; set to the index after the last byte read.
    ///   - bodyPolicy: called once for each request that has a body, when its head is complete.
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

    /// Ends the current request, which has been answered. The gate skips the rest of its STDIN before the next request.
    package mutating func finish() {
        phase = .idle
        head = nil
        body = []
        params = []
        policy = nil
        streamedBytes = 0
    }

    /// Keeps the current request open without a worker, until `finish()`: what still arrives of it is skipped, and it may be
    /// aborted.
    mutating func park() {
        finish()
        phase = .parked
    }

    /// Whether the web server has sent all of a parked request, and no part of another record, so that another process can
    /// continue to read the connection.
    var isAtParkedEdge: Bool {
        phase == .parked && isDrained && headerBytes.isEmpty && contentLeft == 0 && paddingLeft == 0
            && !hasReplies
    }

    /// Begins with a request whose response another process has parked.
    mutating func resume(_ head: RequestHead) {
        finish()
        phase = .serving
        self.head = head
        requestID = head.requestID
        keepsConnection = head.keepsConnection
        hasSeenRecord = true
    }

    /// Whether there are replies to be sent.
    var hasReplies: Bool { !replies.isEmpty }

    /// Moves the complete request out of the gate.
    package mutating func takeRequest() -> (head: RequestHead, body: [UInt8]) {
        // A caller that has no request gets a refused head without parameters.
        let taken =
            head
            ?? RequestHead(
                refused: requestID, keepsConnection: keepsConnection, stream: [], because: .parameter)
        defer { body = [] }
        return (taken, body)
    }

    /// Moves the replies collected so far out of the gate.
    package mutating func takeReplies() -> [UInt8] {
        defer { replies = [] }
        return replies
    }
}

/// The records of a connection, one after another.
extension Gate {
    private func isActive(_ id: UInt16) -> Bool {
        (phase == .params || phase == .stdin || phase == .streaming) && id == requestID
    }

    /// Handles a record's header, with which a record without content is complete. Returns nil if more bytes are needed,
    /// like the functions that it calls.
    private mutating func begin(
        _ header: RecordHeader, _ bodyPolicy: (RequestHead) -> BodyPolicy
    ) throws(ProtocolViolation) -> Progress? {
        record = header
        contentLeft = header.contentLength
        paddingLeft = header.paddingLength
        content.removeAll(keepingCapacity: true)
        switch header.type {
        case .beginRequest:
            try requireApplicationRecord()
            guard header.contentLength == 8 else { throw .beginRequestLength(header.contentLength) }
        case .params:
            try requireApplicationRecord()
            guard isActive(header.requestID) else { return try skipStray() }
            guard phase == .params else { throw .unexpectedRecord(type: header.type.rawValue) }
            guard header.contentLength > 0 else { return try paramsEnded(bodyPolicy) }
            guard header.contentLength <= limits.head - params.count else { return refuse(.headTooLarge) }
        case .stdin:
            try requireApplicationRecord()
            guard isActive(header.requestID) else {
                if header.contentLength == 0 && header.requestID == requestID {
                    isDrained = isDrained || phase == .idle || phase == .parked
                }
                return try skipStray()
            }
            guard phase != .params else { throw .unexpectedRecord(type: header.type.rawValue) }
            return stdinBegan(header.contentLength, bodyPolicy)
        case .abortRequest:
            try requireApplicationRecord()
            if phase == .parked, header.requestID == requestID {
                isDrained = true
                return .aborted
            }
            guard isActive(header.requestID) else { return try skipStray() }
            return abort()
        case .data:
            try requireApplicationRecord()
            guard !isActive(header.requestID) else { throw .unexpectedRecord(type: header.type.rawValue) }
            return try skipStray()
        case .getValues:
            guard header.requestID == 0 else {
                throw .requestID(header.requestID, type: header.type.rawValue)
            }
            try countStray()
            if header.contentLength == 0 { try answerGetValues() }
        case .endRequest, .stdout, .stderr, .getValuesResult, .unknownType:
            throw .unexpectedRecord(type: header.type.rawValue)
        default:
            try countStray()
            replyUnknownType(header.type)
        }
        return nil
    }

    /// Handles a piece of the current record's content. Returns nil if more bytes are needed.
    private mutating func take(
        _ piece: Span<UInt8>, _ bodyPolicy: (RequestHead) -> BodyPolicy
    ) throws(ProtocolViolation) -> Progress? {
        switch record.type {
        case .params where phase == .params && record.requestID == requestID:
            params.append(piece)
        case .stdin where isActive(record.requestID):
            body.append(piece)
        case .beginRequest:
            content.append(piece)
            if contentLeft == 0 { return try beginRequest() }
        case .getValues:
            content.append(piece)
            if contentLeft == 0 { try answerGetValues() }
        default:
            drainedBytes += piece.count
            guard drainedBytes <= limits.drain else { throw .flood }
        }
        return nil
    }

    private func requireApplicationRecord() throws(ProtocolViolation) {
        guard record.requestID != 0 else { throw .requestID(0, type: record.type.rawValue) }
    }

    private mutating func countStray() throws(ProtocolViolation) {
        strayRecords += 1
        guard strayRecords <= limits.strayRecords else { throw .flood }
    }

    /// Ignores a record of a request that is not active (FastCGI specification, 3.3), within bounds. The rest of the last
    /// request's body is bounded in bytes rather than in records, since a web server cuts a body into many records.
    private mutating func skipStray() throws(ProtocolViolation) -> Progress? {
        drainedBytes += RecordHeader.byteCount
        guard drainedBytes <= limits.drain else { throw .flood }
        if record.requestID != requestID { try countStray() }
        return nil
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ span: Span<UInt8>) {
        span.withUnsafeBufferPointer { append(contentsOf: $0) }
    }
}

/// From BEGIN_REQUEST to the end of STDIN, or to a refusal.
extension Gate {
    private mutating func beginRequest() throws(ProtocolViolation) -> Progress? {
        let role = UInt16(content[0]) << 8 | UInt16(content[1])
        let keeps = content[2] & 1 != 0
        guard phase == .idle else {
            guard record.requestID != requestID else { throw .repeatedBeginRequest(id: requestID) }
            // A reply could come in the middle of a record of the response.
            guard phase != .parked else { throw .unexpectedRecord(type: record.type.rawValue) }
            try countStray()
            replyEndRequest(record.requestID, .cannotMultiplex)
            return nil
        }
        requestID = record.requestID
        keepsConnection = keeps
        drainedBytes = 0
        guard role == 1 else {
            try countStray()
            replyEndRequest(requestID, .unknownRole)
            return keeps ? nil : .closing
        }
        strayRecords = 0
        isDrained = false
        phase = .params
        return nil
    }

    private mutating func paramsEnded(
        _ bodyPolicy: (RequestHead) -> BodyPolicy
    ) throws(ProtocolViolation) -> Progress? {
        let head = try RequestHead(requestID: requestID, keepsConnection: keepsConnection, stream: params)
        params = []
        self.head = head
        if let refusal = head.refusal { return refuse(refusal) }
        phase = .stdin
        guard let length = head.contentLength, length > 0 else { return nil }
        return apply(bodyPolicy(head), to: length)
    }

    /// Applies the policy at the first sign of a body: CONTENT_LENGTH, or else the first record. Returns nil if the body is
    /// collected, so that more bytes are needed.
    private mutating func apply(_ policy: BodyPolicy, to announced: Int) -> Progress? {
        self.policy = policy
        switch policy.use {
        case .ignore:
            phase = .serving
            return .request
        case .collect:
            guard announced <= policy.limit else { return refuse(.bodyTooLarge) }
            // Bounded, because an announced length must not allocate memory.
            body.reserveCapacity(min(announced, 64 << 10))
            return nil
        case .stream:
            guard announced <= policy.limit else { return refuse(.bodyTooLarge) }
            phase = .streaming
            return .request
        }
    }

    private mutating func stdinBegan(_ length: Int, _ bodyPolicy: (RequestHead) -> BodyPolicy) -> Progress? {
        if phase == .streaming { return streamWent(on: length) }
        guard length > 0 else {
            isDrained = true
            guard body.count == head?.contentLength ?? body.count else { return refuse(.bodyLength) }
            phase = .serving
            return .request
        }
        if policy == nil, let head, head.contentLength == nil,
            let progress = apply(bodyPolicy(head), to: length)
        {
            // The current record is the first one of the body.
            if phase == .streaming { streamedBytes = length }
            return progress
        }
        if let announced = head?.contentLength {
            guard length <= announced - body.count else { return refuse(.bodyLength) }
        } else if let policy, policy.use == .collect {
            let limit = policy.limit
            guard length <= limit - body.count else { return refuse(.bodyTooLarge) }
        }
        return nil
    }

    private mutating func refuse(_ refusal: Refusal) -> Progress {
        phase = .serving
        body = []
        if head == nil {
            head = RequestHead(
                refused: requestID, keepsConnection: keepsConnection, stream: params, because: refusal)
        }
        return .refused(refusal)
    }

    /// Handles ABORT_REQUEST (FastCGI specification, 5.4): the web server no longer wants the response, and sends no more
    /// of the body.
    private mutating func abort() -> Progress {
        // A request that was handed out gets its END_REQUEST with the response.
        if phase == .streaming { return endBody(.aborted) }
        replyEndRequest(requestID, .requestComplete)
        finish()
        isDrained = true
        return keepsConnection ? .aborted : .closing
    }
}

/// The body of a request that was handed out after its head.
extension Gate {
    /// Whether the request in hand may still get more of its body.
    package var isStreaming: Bool { phase == .streaming }

    /// Moves the bytes that have arrived since the last call out of the gate.
    package mutating func takeBody() -> [UInt8] {
        defer { body = [] }
        return body
    }

    /// Reserves capacity for the bytes of a body among the next `count` bytes of the connection.
    mutating func reserveBody(_ count: Int) { body.reserveCapacity(count) }

    /// Handles the header of a STDIN record of a streamed body. Returns nil if the body has not ended.
    private mutating func streamWent(on length: Int) -> Progress? {
        let announced = head?.contentLength
        guard length > 0 else {
            isDrained = true
            return endBody(streamedBytes == announced ?? streamedBytes ? nil : .length)
        }
        if let announced {
            guard length <= announced - streamedBytes else { return endBody(.length) }
        } else if let policy, policy.use == .stream {
            let limit = policy.limit
            guard length <= limit - streamedBytes else { return endBody(.tooLarge) }
        }
        streamedBytes += length
        return nil
    }

    private mutating func endBody(_ error: BodyError?) -> Progress {
        phase = .serving
        return .bodyEnded(error)
    }
}

/// Replies that the gate itself sends.
extension Gate {
    private mutating func replyEndRequest(_ id: UInt16, _ status: ProtocolStatus) {
        RecordHeader(type: .endRequest, requestID: id, contentLength: 8).write(to: &replies)
        replies += [0, 0, 0, 0, status.rawValue, 0, 0, 0]
    }

    private mutating func replyUnknownType(_ type: RecordType) {
        RecordHeader(type: .unknownType, requestID: 0, contentLength: 8).write(to: &replies)
        replies += [type.rawValue, 0, 0, 0, 0, 0, 0, 0]
    }

    /// Answers each variable that the specification names (4.1) once, however often it is asked for.
    private mutating func answerGetValues() throws(ProtocolViolation) {
        let requests = "\(limits.concurrentRequests)"
        let answers: KeyValuePairs = [
            "FCGI_MAX_CONNS": requests, "FCGI_MAX_REQS": requests, "FCGI_MPXS_CONNS": "0",
        ]
        var asked: Set<String> = []
        var reader = NameValuePairs()
        while let pair = try reader.next(in: content.span) {
            guard pair.name.count <= 32 else { continue }
            asked.insert(String(decoding: content[pair.name], as: UTF8.self))
        }
        var values: [UInt8] = []
        for (name, value) in answers where asked.contains(name) {
            NameValuePairs.append(name: name, value: value, to: &values)
        }
        RecordHeader(type: .getValuesResult, requestID: 0, contentLength: values.count).write(to: &replies)
        replies += values
    }
}

/// A peer that sends HTTP to a FastCGI socket: a browser, curl, or a web server that is configured as an HTTP proxy.
private enum HTTPPeer {
    /// Whether a connection's first bytes are those of an HTTP request: a method, and a space unless the method is
    /// longer.
    ///
    /// - Parameter bytes: the first eight bytes, which are not a valid record header.
    static func begins(_ bytes: Span<UInt8>) -> Bool {
        var count = 0
        while count < bytes.count, (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(bytes[count]) {
            count += 1
        }
        return count >= 3 && (count == bytes.count || bytes[count] == UInt8(ascii: " "))
    }

    /// The HTTP response to such a peer. It contains nothing that the peer has sent.
    static let answer: [UInt8] = {
        let program =
            CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? "The application"
        let text = """
            This socket speaks FastCGI, and the request is HTTP.
            Send requests to \(program) through a web server. `\(program) nginx` prints a site for nginx: start nginx with
            it, and send the requests to nginx.

            """
        let head = [
            "HTTP/1.1 400 Bad Request", "Content-Type: text/plain; charset=utf-8",
            "Content-Length: \(text.utf8.count)", "Connection: close", "", "",
        ]
        return Array((head.joined(separator: "\r\n") + text).utf8)
    }()
}
