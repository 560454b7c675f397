import Glibc
import PostludeSystem

/// A streamed body, read by the worker that holds the connection.
extension Connection {
    /// What came with the decision about the request's body; nil for a request without a body.
    package var requestContext: (any AnyObject & Sendable)? { gate.policy?.requestContext }

    /// Whether the request that was taken is a streaming one whose STDIN has not ended as it should.
    package var streamsBody: Bool { gate.isStreaming || bodyError != nil }

    /// The next piece of the body, as soon as there is one.
    ///
    /// What came in front of an error is handed out before the error is thrown; from then on each call throws
    /// it again.
    ///
    /// - Parameters:
    ///   - buffer: the calling worker's own.
    ///   - time: how long to wait for the piece. All waits of a body together are bounded by this and by what
    ///     its bytes so far have bought (`ConnectionTimes.leastRate`).
    /// - Returns: at least one byte and at most `buffer`'s size; nil when STDIN has ended as it should.
    package func readBody(into buffer: ReadBuffer, within time: Duration) throws(BodyError) -> [UInt8]? {
        if !unread.isEmpty, gate.isStreaming, bodyError == nil {
            let bytes = unread
            unread = []
            if let piece = takeBody(from: bytes.span) { return piece }
        }
        let end = MonotonicTime.now + time
        while gate.isStreaming, bodyError == nil {
            let count = recv(into: buffer)
            if count > 0 {
                if let piece = takeBody(from: buffer.bytes.span.extracting(0..<count)) { return piece }
            } else if count == 0 {
                bodyError = .cutShort
            } else if errno == EAGAIN {
                waitForBody(until: end, time)
            } else if errno != EINTR {
                bodyError = .cutShort
            }
        }
        if let bodyError { throw bodyError }
        return nil
    }

    /// libfcgi has closed the descriptor after a write error: nothing more is read from its number, which may
    /// be another connection's already.
    package func forgetDescriptor() {
        isForgotten = true
        unread = []
        if gate.isStreaming { bodyError = bodyError ?? .cutShort }
    }

    /// Gives the gate bytes from the socket; what is after STDIN's end is kept for the next request.
    private func takeBody(from bytes: Span<UInt8>) -> [UInt8]? {
        gate.reserveBody(bytes.count)
        var offset = 0
        do {
            while gate.isStreaming, offset < bytes.count {
                // The policy of a request that was handed out is known.
                let progress = try gate.advance(bytes, from: &offset) { _ in .ignore }
                guard sendReplies() else {
                    // A part of a reply may be on its way: whatever followed it would be taken for its rest.
                    shutdown(descriptor, Int32(SHUT_WR))
                    bodyError = .violation(.flood)
                    break
                }
                if case .bodyEnded(let error) = progress { bodyError = error }
            }
            if offset < bytes.count {
                bytes.extracting(offset..<bytes.count).withUnsafeBufferPointer { unread = Array($0) }
            }
        } catch {
            bodyError = .violation(error)
        }
        let piece = gate.takeBody()
        return piece.isEmpty ? nil : piece
    }

    /// - Parameter pause: how long the whole wait for one piece may take.
    private func waitForBody(until end: MonotonicTime, _ pause: Duration) {
        let start = MonotonicTime.now
        let due = min(end, start + (times.body(of: gate.streamedBytes, pause: pause) - bodyWait))
        let left = (min(due, drainDeadline.time ?? due) - start).saturatedNanoseconds
        guard left > 0 else { return bodyError = .timedOut }
        // Rounded up, so that the last fraction of a millisecond is not spent in a loop; and not too long,
        // since the process may begin to drain.
        waitForInput([descriptor], milliseconds: Int32(clamping: min(left / 1_000_000 + 1, 500)))
        bodyWait += .now - start
    }
}
