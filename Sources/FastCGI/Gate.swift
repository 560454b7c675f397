/// The gate before libfcgi: takes one request after another from a connection's bytes and checks each.
///
/// libfcgi trusts its peer with lengths, counts and order; the gate trusts nothing. It reads no descriptor: bytes go
/// in, in pieces of any size, and a request comes out when its STDIN has ended. What the gate has to say to the web
/// server by itself (FastCGI specification, 4 and 5.5) is collected in `replies`.
package struct Gate: Sendable {
    /// What the bytes so far amount to.
    package enum Progress: Equatable, Sendable {
        /// More bytes are needed.
        case incomplete
        /// A request can be served: `head` and `body` are its own until `finish()`.
        case request
        /// A request is to be answered with the refusal's status; `head` may be empty.
        case refused(Refusal)
        /// The web server has given a request up; the next one may follow.
        case aborted
        /// The replies are to be sent, then the connection closed: the web server did not ask to keep it.
        case closing
    }

    private enum Phase {
        case idle, params, stdin, serving
    }

    private let limits: GateLimits
    private var phase = Phase.idle
    private(set) var head: RequestHead?
    private(set) var body: [UInt8] = []
    /// Records for the web server, to be sent before anything else is written.
    package private(set) var replies: [UInt8] = []

    private var requestID: UInt16 = 0
    private var keepsConnection = false
    private var params: [UInt8] = []
    private var policy: BodyPolicy?
    /// STDIN's end of the last request has been seen.
    private(set) var isDrained = true

    // The record that is being read.
    private var headerBytes: [UInt8] = []
    private var record = RecordHeader(type: .unknownType, requestID: 0, contentLength: 0)
    private var contentLeft = 0
    private var paddingLeft = 0
    private var content: [UInt8] = []

    private var strayRecords = 0
    private var drainedBytes = 0

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
    ///   - offset: where to begin in `bytes`; moved behind the last byte taken.
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
                let header = try RecordHeader(bytes.extracting(offset..<offset + RecordHeader.byteCount))
                offset += RecordHeader.byteCount
                if let progress = try begin(header, bodyPolicy) { return progress }
            } else {
                headerBytes.append(bytes[offset])
                offset += 1
                guard headerBytes.count == RecordHeader.byteCount else { continue }
                let header = try RecordHeader(headerBytes.span)
                headerBytes.removeAll(keepingCapacity: true)
                if let progress = try begin(header, bodyPolicy) { return progress }
            }
        }
        return .incomplete
    }

    /// The request in hand is answered: the gate is ready for the next one, after what is left of this one's STDIN.
    package mutating func finish() {
        phase = .idle
        head = nil
        body = []
        params = []
        policy = nil
    }

    /// Moves the complete request out of the gate.
    package mutating func takeRequest() -> (head: RequestHead, body: [UInt8]) {
        let taken = head ?? RequestHead(refused: requestID, keepsConnection: keepsConnection)
        defer { body = [] }
        return (taken, body)
    }

    /// Hands over the replies collected so far.
    package mutating func takeReplies() -> [UInt8] {
        defer { replies = [] }
        return replies
    }
}

// MARK: - Records

extension Gate {
    private func isActive(_ id: UInt16) -> Bool {
        (phase == .params || phase == .stdin) && id == requestID
    }

    /// A record's header has been read. Records without content are complete with it.
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
                if header.contentLength == 0 && header.requestID == requestID && phase == .idle {
                    isDrained = true
                }
                return try skipStray()
            }
            guard phase == .stdin else { throw .unexpectedRecord(type: header.type.rawValue) }
            return stdinBegan(header.contentLength, bodyPolicy)
        case .abortRequest:
            try requireApplicationRecord()
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

    /// A piece of the content of the current record has been read.
    private mutating func take(
        _ piece: Span<UInt8>, _ bodyPolicy: (RequestHead) -> BodyPolicy
    ) throws(ProtocolViolation) -> Progress? {
        switch record.type {
        case .params where phase == .params && record.requestID == requestID:
            params.append(piece)
        case .stdin where phase == .stdin && record.requestID == requestID:
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

    /// A record of a request that is not active is ignored (FastCGI specification, 3.3), within bounds. What the last
    /// request still sends of its body is bounded in bytes, since a web server cuts a body into many records.
    private mutating func skipStray() throws(ProtocolViolation) -> Progress? {
        drainedBytes += RecordHeader.byteCount
        guard drainedBytes <= limits.drain else { throw .flood }
        if record.requestID != requestID { try countStray() }
        return nil
    }
}

// MARK: - Requests

extension Gate {
    private mutating func beginRequest() throws(ProtocolViolation) -> Progress? {
        let role = UInt16(content[0]) << 8 | UInt16(content[1])
        let keeps = content[2] & 1 != 0
        guard phase == .idle else {
            guard record.requestID != requestID else { throw .repeatedBeginRequest(id: requestID) }
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
        do {
            let head = try RequestHead(requestID: requestID, keepsConnection: keepsConnection, stream: params)
            params = []
            self.head = head
            phase = .stdin
            guard let length = head.contentLength, length > 0 else { return nil }
            return apply(bodyPolicy(head), to: length)
        } catch {
            switch error {
            case .violation(let violation): throw violation
            case .refusal(let refusal): return refuse(refusal)
            }
        }
    }

    /// Asked for when the first sign of a body shows: CONTENT_LENGTH, or else its first record.
    private mutating func apply(_ policy: BodyPolicy, to announced: Int) -> Progress? {
        self.policy = policy
        switch policy {
        case .ignore:
            phase = .serving
            return .request
        case .collect(let limit):
            guard announced <= limit else { return refuse(.bodyTooLarge) }
            // A length that is only announced takes no memory.
            body.reserveCapacity(min(announced, 64 << 10))
            return nil
        }
    }

    private mutating func stdinBegan(_ length: Int, _ bodyPolicy: (RequestHead) -> BodyPolicy) -> Progress? {
        guard length > 0 else {
            isDrained = true
            guard body.count == head?.contentLength ?? body.count else { return refuse(.bodyLength) }
            phase = .serving
            return .request
        }
        if policy == nil, let head, head.contentLength == nil,
            let progress = apply(bodyPolicy(head), to: length)
        {
            return progress
        }
        if let announced = head?.contentLength {
            guard length <= announced - body.count else { return refuse(.bodyLength) }
        } else if case .collect(let limit) = policy {
            guard length <= limit - body.count else { return refuse(.bodyTooLarge) }
        }
        return nil
    }

    private mutating func refuse(_ refusal: Refusal) -> Progress {
        phase = .serving
        body = []
        return .refused(refusal)
    }

    /// ABORT_REQUEST (FastCGI specification, 5.4): nobody waits for the answer any more, nor for the body.
    private mutating func abort() -> Progress {
        replyEndRequest(requestID, .requestComplete)
        finish()
        isDrained = true
        return keepsConnection ? .aborted : .closing
    }
}

// MARK: - Replies

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
            values += [
                UInt8(truncatingIfNeeded: name.utf8.count), UInt8(truncatingIfNeeded: value.utf8.count),
            ]
            values += Array(name.utf8) + Array(value.utf8)
        }
        RecordHeader(type: .getValuesResult, requestID: 0, contentLength: values.count).write(to: &replies)
        replies += values
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ span: Span<UInt8>) {
        span.withUnsafeBufferPointer { append(contentsOf: $0) }
    }
}
