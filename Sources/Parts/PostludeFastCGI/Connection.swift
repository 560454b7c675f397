import Glibc
import PostludeSystem

/// One connection from the web server: its descriptor, its gate, and the bytes already taken from its socket.
// Unchecked: a connection has one owner at a time (a worker, or the poller while it is armed or ready), and
// changes hands under the poller's lock.
package final class Connection: @unchecked Sendable {
    /// What a look at the socket brought.
    enum Reading {
        case request
        case refused(Refusal)
        /// Nothing complete yet; the connection can go back to the poller.
        case waiting
        /// There is more to read, after others have had their turn.
        case more
        case ended(ConnectionEnd)
        /// It has been told why it is not served, and lingers.
        case dismissed(ConnectionEnd)
    }

    package let descriptor: Int32
    package let peer: SocketAddress
    /// The poller's name for it: slot and generation.
    var token: UInt64 = 0
    var isRegistered = false
    /// When the poller gives it up; nil for a kept connection that is idle, which the web server closes.
    var deadline: MonotonicTime?
    /// An arrival was reported that may be the end: read on until the kernel has nothing, since it says so
    /// only once.
    var expectsEnd = false
    /// The last read filled the buffer: the kernel may hold more, and has reported it already.
    private(set) var mayHoldMore = false
    private(set) var hasServed: Bool
    /// How often processes have given it away since its last request was answered.
    var moves = 0
    /// Our side is shut down; what still comes is thrown away until the web server closes.
    private(set) var isLingering = false

    /// Why the streamed body of the request in hand is not to be had.
    private(set) var bodyError: BodyError?
    /// Whether a caller waits for the web server to close it while a worker holds it.
    var isWatched = false
    /// The descriptor is closed.
    private(set) var isForgotten = false

    private var gate: Gate
    private let times: ConnectionTimes
    private let drainDeadline: DrainDeadline
    private var headDeadline: MonotonicTime?
    /// When the body that is being collected began.
    private(set) var bodyStart: MonotonicTime?
    /// How long a worker has waited for pieces of the streamed body.
    private var bodyWait: Duration = .zero
    /// Bytes thrown away since our side was shut down.
    private var lingeredBytes = 0
    /// Bytes taken from the socket that no request has used yet.
    private var unread: [UInt8] = []

    /// - Parameter hasServed: false for a connection that owes its first head.
    init(
        descriptor: Int32, peer: SocketAddress, limits: GateLimits, times: ConnectionTimes,
        hasServed: Bool = false, drainDeadline: DrainDeadline = DrainDeadline()
    ) {
        self.descriptor = descriptor
        self.peer = peer
        self.times = times
        self.hasServed = hasServed
        self.drainDeadline = drainDeadline
        gate = Gate(limits: limits)
        headDeadline = hasServed ? nil : .now + times.head
        configureSocket()
    }

    /// Whether bytes wait here, not in the kernel: epoll would not report them.
    var hasUnreadBytes: Bool { !unread.isEmpty }

    /// Between two requests, with no byte of the next one.
    var isAtRest: Bool { unread.isEmpty && gate.isAtRest }

    /// Kept by the web server for a request to come.
    var isIdle: Bool { hasServed && isAtRest && !isLingering }

    /// At the edge of a record between two requests, or before the first one: another process could go on
    /// here.
    var isAtEdge: Bool { isAtRest && !isLingering && !expectsEnd }

    /// Takes what has arrived, without waiting for more.
    func read(into buffer: ReadBuffer, bodyPolicy: (RequestHead) -> BodyPolicy) -> Reading {
        if !unread.isEmpty {
            let bytes = unread
            unread = []
            let reading = advance(bytes.span, bodyPolicy)
            guard case .waiting = reading else { return reading }
        }
        // Bounded, so that one fast sender does not keep a worker from the others.
        for _ in 0..<16 {
            let count = recv(into: buffer)
            guard count > 0 else {
                if count < 0 && errno == EINTR { continue }
                if count < 0 && errno == EAGAIN {
                    expectsEnd = false
                    return waiting()
                }
                return .ended(count == 0 ? (isAtRest || isLingering ? .closed : .cutShort) : .lost)
            }
            if isLingering {
                lingeredBytes += count
                guard lingeredBytes <= gate.limits.drain else { return .ended(.closed) }
                continue
            }
            let reading = advance(buffer.bytes.span.extracting(0..<count), bodyPolicy)
            guard case .waiting = reading else { return reading }
            if count < buffer.bytes.count && !expectsEnd { return waiting() }
        }
        return .more
    }

    private func waiting() -> Reading {
        setDeadline()
        return .waiting
    }

    /// The request that `read` found.
    package func takeRequest() -> (head: RequestHead, body: [UInt8]) { gate.takeRequest() }

    /// The request is answered. What is left of its STDIN is drained before the next one.
    func finishRequest() {
        gate.finish()
        bodyError = nil
        bodyWait = .zero
        noteEndOfRequest()
        // Also with unread bytes: they need not be all that is left.
        deadline = isExhausted ? nil : .now + times.linger
    }

    /// From now on the connection may idle until the next request begins.
    private func noteEndOfRequest() {
        hasServed = true
        moves = 0
        headDeadline = nil
    }

    /// Nothing more will be written: tells the web server, and waits for it to close while it may still be
    /// sending.
    func beginLingering() {
        isLingering = true
        unread = []
        shutdown(descriptor, Int32(SHUT_WR))
        deadline = .now + times.linger
    }

    /// Tells the web server that nothing more will come, while the connection's holder may still be reading from it.
    /// Its holder has to give it back unkept.
    package func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// The process is draining: a connection that has not said anything yet need not be waited for long, and
    /// no other one for longer than the process waits.
    func hurry() {
        if !hasServed, isAtRest {
            let soon = MonotonicTime.now + .seconds(1)
            headDeadline = headDeadline.map { min($0, soon) }
            deadline = headDeadline
        }
        if let due = deadline, let end = drainDeadline.time { deadline = min(due, end) }
    }

    /// No worker could read in time what has arrived: the time begins anew.
    func renewDeadline(at now: MonotonicTime) {
        headDeadline = headDeadline.map { _ in now + times.head }
        bodyStart = bodyStart.map { _ in now }
        setDeadline()
    }

    /// Whether a request's body is being collected, and an answer may still be written.
    var isCollecting: Bool { gate.isReadingBody && !isLingering }

    /// Whether the web server has sent all of the request that was answered last, and nothing else.
    var isExhausted: Bool { isAtRest }

    /// Whether the kernel holds bytes, or the end, of this connection.
    var hasArrivals: Bool {
        var byte: UInt8 = 0
        return Glibc.recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) >= 0
    }

    private func advance(_ bytes: Span<UInt8>, _ bodyPolicy: (RequestHead) -> BodyPolicy) -> Reading {
        var offset = 0
        do {
            while true {
                let progress = try gate.advance(bytes, from: &offset, bodyPolicy: bodyPolicy)
                guard sendReplies() else { return .ended(.repliesNotTaken) }
                if progress == .aborted {
                    noteEndOfRequest()
                    continue
                }
                if offset < bytes.count {
                    bytes.extracting(offset..<bytes.count).withUnsafeBufferPointer { unread = Array($0) }
                }
                switch progress {
                // A body is streamed to the worker that holds the connection, in `readBody`.
                case .incomplete, .aborted, .bodyEnded: return .waiting
                case .request: return .request
                case .refused(let refusal): return .refused(refusal)
                case .closing:
                    // Closed at once, a socket with unread bytes would be reset, and the reply lost with it.
                    beginLingering()
                    return .waiting
                }
            }
        } catch {
            guard error == .http, sendReplies() else { return .ended(.violation(error)) }
            beginLingering()
            return .dismissed(.violation(error))
        }
    }

    /// What the gate answers by itself is short: a peer that does not take it at once is flooding us.
    private func sendReplies() -> Bool {
        let replies = gate.takeReplies()
        guard !replies.isEmpty else { return true }
        let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
        return replies.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, flags) } == replies.count
    }

    private func recv(into buffer: ReadBuffer) -> Int {
        let count = buffer.bytes.withUnsafeMutableBytes {
            Glibc.recv(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT))
        }
        mayHoldMore = count == buffer.bytes.count
        return count
    }

    private func setDeadline() {
        if isLingering { return }
        if gate.isReadingBody {
            let now = MonotonicTime.now
            let start = bodyStart ?? now
            bodyStart = start
            deadline = min(now + times.read, start + times.body(of: gate.body.count, pause: times.read))
            return
        }
        bodyStart = nil
        if gate.isAtRest {
            // A new connection owes us a head; a kept one may idle.
            if hasServed { headDeadline = nil }
            deadline = headDeadline
        } else if gate.isReadingHead {
            let due = headDeadline ?? .now + times.head
            headDeadline = due
            deadline = due
        }
    }

    /// The descriptor stays blocking, since libfcgi gives up on EAGAIN; a write that stalls ends by itself.
    private func configureSocket() {
        let (seconds, attoseconds) = times.write.components
        var timeout = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        if case .unix = peer { return }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        // An idle kept connection has no deadline: only this notices that the web server's host is gone.
        setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, socklen_t(MemoryLayout<Int32>.size))
    }
}

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

/// The buffer into which a worker reads from a connection.
package final class ReadBuffer {
    var bytes = [UInt8](repeating: 0, count: 64 << 10)

    package init() {}
}
