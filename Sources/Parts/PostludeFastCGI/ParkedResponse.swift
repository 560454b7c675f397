import Glibc
import PostludeSystem

/// A response that stays open without a worker. Its connection carries what its source has, and no other request until
/// the response has ended.
// Unchecked: a parked response has one owner at a time, the worker that parks it and then the thread that serves it. It
// changes hands under a lock.
package final class ParkedResponse: @unchecked Sendable {
    /// The result of writing, without waiting for the web server.
    enum Sending {
        case all
        /// The web server takes no more for now.
        case blocked
        /// The web server has closed the connection.
        case closed
    }

    /// The comment that is sent during silence (WHATWG HTML, 9.2.6).
    private static let comment = StdoutRecords(Array(":\n\n".utf8))

    let connection: Connection
    let source: any OutputSource
    /// The silence after which a comment is sent.
    let keepAlive: Duration
    /// The longest time for which the web server may take nothing.
    let writeTime: Duration
    /// The number of the source's last piece that was sent, or begun.
    private(set) var position: Int
    private(set) var lastWrite = MonotonicTime.now
    /// The time since which the web server takes nothing; nil if it does.
    private(set) var blockedSince: MonotonicTime?
    /// Whether the thread's epoll reports that the web server takes more.
    var isWatchedForOutput = false
    private let head: RequestHead
    /// Records that the kernel has taken in part, and how many of their bytes it has taken.
    private var rest: (bytes: [UInt8], taken: Int)?

    /// - Parameters:
    ///   - head: the head of the request.
    ///   - position: the number of the source's last piece that the response does not need.
    package init(
        to head: RequestHead, on connection: Connection, from source: any OutputSource, after position: Int,
        keepAlive: Duration, writeTime: Duration
    ) {
        self.connection = connection
        self.source = source
        self.position = position
        self.keepAlive = keepAlive
        self.writeTime = writeTime
        self.head = head
    }

    private var requestID: UInt16 { head.requestID }
    /// Whether the web server has asked to keep the connection.
    var keepsConnection: Bool { head.keepsConnection }

    /// The request for another process, which continues the response; nil if none can.
    var requestForHandover: ParkedRequest? {
        guard !isWithinRecord, connection.isAtParkedEdge else { return nil }
        return ParkedRequest(of: head, after: source.lastID(at: position))
    }

    /// Whether the source no longer has what the response has not sent.
    var hasLostOutput: Bool {
        if case .lost = source.output(after: position) { true } else { false }
    }

    /// Whether the next byte to be sent continues a record.
    var isWithinRecord: Bool { rest != nil }

    /// Sends what is left of records that were begun.
    func sendRest() -> Sending {
        guard let (bytes, taken) = rest else { return .all }
        guard let count = send(bytes, from: taken) else { return .closed }
        guard taken + count == bytes.count else {
            rest = (bytes, taken + count)
            return .blocked
        }
        rest = nil
        return .all
    }

    /// Sends pieces that follow `position`. Called after `sendRest` has returned `all`.
    ///
    /// - Parameter buffer: the caller's own buffer, whose contents are replaced.
    func send(_ pieces: [StdoutRecords], through buffer: inout [UInt8]) -> Sending {
        guard !pieces.isEmpty else { return .all }
        let isSent: Bool
        var taken: Int
        if pieces.count == 1, let piece = pieces.first {
            // Most responses have sent all but the newest piece: they share its memory.
            let bytes = piece.bytes(for: requestID)
            guard let count = send(bytes, from: 0) else { return .closed }
            (taken, isSent) = (count, count == bytes.count)
        } else {
            buffer.removeAll(keepingCapacity: true)
            for piece in pieces { buffer += piece.bytes(for: requestID) }
            guard let count = send(buffer, from: 0) else { return .closed }
            (taken, isSent) = (count, count == buffer.count)
        }
        for piece in pieces where taken > 0 {
            position += 1
            if taken < piece.byteCount { rest = (piece.bytes(for: requestID), taken) }
            taken -= min(taken, piece.byteCount)
        }
        return isSent ? .all : .blocked
    }

    /// Sends a comment. Called after `sendRest` has returned `all`.
    func sendComment() -> Sending {
        let bytes = Self.comment.bytes(for: requestID)
        guard let count = send(bytes, from: 0) else { return .closed }
        guard count < bytes.count else { return .all }
        if count > 0 { rest = (bytes, count) }
        return .blocked
    }

    /// Sends the end of STDOUT and END_REQUEST.
    ///
    /// - Returns: whether the kernel has taken both. If not, the connection must be closed.
    func sendEnd() -> Bool {
        guard !isWithinRecord else { return false }
        let bytes = StdoutRecords.end(of: requestID)
        return send(bytes, from: 0) == bytes.count
    }

    /// - Returns: the number of bytes that the kernel has taken; nil if the connection has ended.
    private func send(_ bytes: [UInt8], from offset: Int) -> Int? {
        guard let count = connection.sendNow(bytes[offset...]) else { return nil }
        if count > 0 { lastWrite = .now }
        blockedSince = count == bytes.count - offset ? nil : count > 0 ? lastWrite : blockedSince ?? .now
        return count
    }
}
