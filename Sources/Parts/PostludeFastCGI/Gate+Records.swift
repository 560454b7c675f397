extension Gate {
    func isActive(_ id: UInt16) -> Bool {
        (phase == .params || phase == .stdin || phase == .streaming) && id == requestID
    }

    /// A record's header has been read. Records without content are complete with it.
    mutating func begin(
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
            guard phase != .params else { throw .unexpectedRecord(type: header.type.rawValue) }
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
    mutating func take(
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

    func requireApplicationRecord() throws(ProtocolViolation) {
        guard record.requestID != 0 else { throw .requestID(0, type: record.type.rawValue) }
    }

    mutating func countStray() throws(ProtocolViolation) {
        strayRecords += 1
        guard strayRecords <= limits.strayRecords else { throw .flood }
    }

    /// A record of a request that is not active is ignored (FastCGI specification, 3.3), within bounds. What the last
    /// request still sends of its body is bounded in bytes, since a web server cuts a body into many records.
    mutating func skipStray() throws(ProtocolViolation) -> Progress? {
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
