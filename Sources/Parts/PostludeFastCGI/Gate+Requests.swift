extension Gate {
    mutating func beginRequest() throws(ProtocolViolation) -> Progress? {
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

    mutating func paramsEnded(
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

    /// Asked for when the first sign of a body shows: CONTENT_LENGTH, or else its first record.
    mutating func apply(_ policy: BodyPolicy, to announced: Int) -> Progress? {
        self.policy = policy
        switch policy.use {
        case .ignore:
            phase = .serving
            return .request
        case .collect:
            guard announced <= policy.limit else { return refuse(.bodyTooLarge) }
            // A length that is only announced takes no memory.
            body.reserveCapacity(min(announced, 64 << 10))
            return nil
        case .stream:
            guard announced <= policy.limit else { return refuse(.bodyTooLarge) }
            phase = .streaming
            return .request
        }
    }

    mutating func stdinBegan(_ length: Int, _ bodyPolicy: (RequestHead) -> BodyPolicy) -> Progress? {
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
            // The record that made the request known is the first one of its body.
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

    mutating func refuse(_ refusal: Refusal) -> Progress {
        phase = .serving
        body = []
        if head == nil {
            head = RequestHead(
                refused: requestID, keepsConnection: keepsConnection, stream: params, because: refusal)
        }
        return .refused(refusal)
    }

    /// ABORT_REQUEST (FastCGI specification, 5.4): the web server no longer wants the response, and sends no more of the body.
    mutating func abort() -> Progress {
        // A request that was handed out gets its END_REQUEST with the response.
        if phase == .streaming { return endBody(.aborted) }
        replyEndRequest(requestID, .requestComplete)
        finish()
        isDrained = true
        return keepsConnection ? .aborted : .closing
    }
}
