/// A body whose request has been handed out at its head.
extension Gate {
    /// Whether the request in hand may still get more of its body.
    package var isStreaming: Bool { phase == .streaming }

    /// Moves the pieces that have come since the last call out of the gate.
    package mutating func takeBody() -> [UInt8] {
        defer { body = [] }
        return body
    }

    /// Makes room at once for what the next `count` bytes can hold of a body.
    mutating func reserveBody(_ count: Int) { body.reserveCapacity(count) }

    /// The header of a STDIN record has been read.
    mutating func streamWent(on length: Int) -> Progress? {
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

    mutating func endBody(_ error: BodyError?) -> Progress {
        phase = .serving
        return .bodyEnded(error)
    }
}
