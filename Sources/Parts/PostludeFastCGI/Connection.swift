import Glibc
import PostludeSystem

/// One connection from the web server: its descriptor, its gate, and the bytes already taken from its socket.
// Unchecked: a connection has one owner at a time (a worker, or the poller while it is armed or ready). It changes
// hands by an atomic operation of the table, or under the poller's lock.
package final class Connection: @unchecked Sendable {
    /// The result of `read`.
    enum Reading {
        case request
        case refused(Refusal)
        /// No request is complete yet; the connection can be armed.
        case waiting
        /// There may be more to read, after other connections have had their turn.
        case more
        case ended(ConnectionEnd)
        /// The peer has been answered with the reason why it is not served, and the connection lingers.
        case dismissed(ConnectionEnd)
    }

    package let descriptor: Int32
    package let peer: SocketAddress
    /// The connection's slot in the table, and the slot's generation.
    var token: UInt64 = 0
    var isRegistered = false
    /// The time at which the poller closes the connection; nil for an idle kept connection, which the web server closes.
    var deadline: MonotonicTime?
    /// Whether an event may have been the end of the connection: it is then read until the kernel has nothing more,
    /// since the end is reported only once.
    var expectsEnd = false
    /// Whether the last read filled the buffer. The kernel may then have more bytes, for which epoll reports no further
    /// event.
    private(set) var mayHoldMore = false
    private(set) var hasServed: Bool
    /// How many times processes have offered the connection to others since its last request was answered.
    var moves = 0
    /// Whether the sending side is shut down: what still arrives is discarded until the web server closes the
    /// connection.
    private(set) var isLingering = false

    /// The error that has ended the streamed body of the current request.
    private(set) var bodyError: BodyError?
    /// Whether there is a hang-up watch for the connection while a worker holds it.
    var isWatched = false
    /// Whether the connection carries a response that another process has begun: its head is not written again.
    package private(set) var isResumed = false
    /// Whether no worker has taken that response's request yet.
    private(set) var hasResumedRequest = false
    /// Whether libfcgi has closed the descriptor.
    private(set) var isForgotten = false

    private var gate: Gate
    private let times: ConnectionTimes
    private let drainDeadline: DrainDeadline
    private var headDeadline: MonotonicTime?
    /// The time at which the current body began to be collected.
    private(set) var bodyStart: MonotonicTime?
    /// The time that workers have spent waiting for pieces of the streamed body.
    private var bodyWait: Duration = .zero
    /// Bytes discarded since the sending side was shut down.
    private var lingeredBytes = 0
    /// Bytes taken from the socket that no request has used yet.
    private var unread: [UInt8] = []

    /// - Parameter hasServed: whether the connection has carried a request. If not, its first head is due within
    ///   `times.head`.
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

    /// Whether bytes that were read from the socket are not used yet; epoll does not report them.
    var hasUnreadBytes: Bool { !unread.isEmpty }

    /// Whether the connection is between two requests: the web server has sent all of the last one, and no byte of the next one
    /// has been read.
    var isAtRest: Bool { unread.isEmpty && gate.isAtRest }

    /// Whether the web server keeps the connection for a later request.
    var isIdle: Bool { hasServed && isAtRest && !isLingering }

    /// Whether the connection is at a record boundary between two requests, or before the first one, so that another
    /// process can continue to read it.
    var isAtEdge: Bool { isAtRest && !isLingering && !expectsEnd }

    /// Reads what has arrived, without blocking.
    func read(into buffer: ReadBuffer, bodyPolicy: (RequestHead) -> BodyPolicy) -> Reading {
        if hasResumedRequest {
            hasResumedRequest = false
            return .request
        }
        if !unread.isEmpty {
            let bytes = unread
            unread = []
            let reading = advance(bytes.span, bodyPolicy)
            guard case .waiting = reading else { return reading }
        }
        // Bounded, so that one fast sender does not keep a worker from other connections.
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

    /// Takes the request that `read` has found.
    package func takeRequest() -> (head: RequestHead, body: [UInt8]) { gate.takeRequest() }

    /// Ends the current request, which has been answered. The rest of its STDIN is drained before the next one.
    func finishRequest() {
        gate.finish()
        bodyError = nil
        bodyWait = .zero
        isResumed = false
        noteEndOfRequest()
        // The deadline is set even if there are unread bytes, since more of the request may follow them.
        deadline = isAtRest ? nil : .now + times.linger
    }

    /// Lets the connection idle until the next request begins.
    private func noteEndOfRequest() {
        hasServed = true
        moves = 0
        headDeadline = nil
    }

    /// Shuts down the sending side, and discards what still arrives until the web server closes the connection.
    func beginLingering() {
        isLingering = true
        unread = []
        shutdown(descriptor, Int32(SHUT_WR))
        deadline = .now + times.linger
    }

    /// Shuts down the sending side while the connection's holder may still be reading. The holder must then give the
    /// connection back without keeping it.
    package func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Shortens the deadline when the process drains: to one second if the connection has not sent anything yet, and to
    /// the drain deadline in any case.
    func shortenDeadlines() {
        if !hasServed, isAtRest {
            let soon = MonotonicTime.now + .seconds(1)
            headDeadline = headDeadline.map { min($0, soon) }
            deadline = headDeadline
        }
        if let due = deadline, let end = drainDeadline.time { deadline = min(due, end) }
    }

    /// Restarts the time limits, because no worker was free to read what has arrived.
    func renewDeadline(at now: MonotonicTime) {
        headDeadline = headDeadline.map { _ in now + times.head }
        bodyStart = bodyStart.map { _ in now }
        setDeadline()
    }

    /// Whether a request's body is being collected, so that an answer can still be written.
    var isCollecting: Bool { gate.isReadingBody && !isLingering }

    /// Whether the kernel has bytes, or the end of the connection, to read.
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
                // `bodyEnded` does not occur here: a streamed body is read in `readBody`.
                case .incomplete, .aborted, .bodyEnded: return .waiting
                case .request: return .request
                case .refused(let refusal): return .refused(refusal)
                case .closing:
                    // Closing a socket with unread bytes would reset it, and the reply would be lost.
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

    /// Sends the gate's replies without blocking. They are short: a peer that does not read them is flooding the
    /// connection.
    ///
    /// - Returns: whether the kernel has taken all of them.
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
            // A new connection must send a head in time; a kept one may idle.
            if hasServed { headDeadline = nil }
            deadline = headDeadline
        } else if gate.isReadingHead {
            let due = headDeadline ?? .now + times.head
            headDeadline = due
            deadline = due
        }
    }

    /// Sets the socket's options. The descriptor stays blocking, since libfcgi gives up on EAGAIN; SO_SNDTIMEO ends a
    /// stalled write.
    private func configureSocket() {
        let (seconds, attoseconds) = times.write.components
        var timeout = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        if case .unix = peer { return }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        // An idle kept connection has no deadline: only keep-alive detects that the web server's host is gone.
        setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, socklen_t(MemoryLayout<Int32>.size))
    }
}

/// A streamed body, read by the worker that holds the connection.
extension Connection {
    /// The `requestContext` of the request's body policy; nil for a request without a body.
    package var requestContext: (any AnyObject & Sendable)? { gate.policy?.requestContext }

    /// Whether the body of the current request is streamed, and has not ended without an error.
    package var streamsBody: Bool { gate.isStreaming || bodyError != nil }

    /// Reads the next piece of the body, and waits for it if necessary.
    ///
    /// Bytes that arrived before an error are returned before the error is thrown; after that, each call throws it
    /// again.
    ///
    /// - Parameters:
    ///   - buffer: the calling worker's own buffer.
    ///   - time: the longest wait for the piece. All waits for a body together are limited to this time and what its
    ///     bytes so far add to it (`ConnectionTimes.leastRate`).
    /// - Returns: at least one byte and at most `buffer`'s size; nil if STDIN has ended without an error.
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

    /// Records that libfcgi has closed the descriptor after a write error. Nothing more is read from its number, which
    /// may already belong to another connection.
    package func forgetDescriptor() {
        isForgotten = true
        unread = []
        if gate.isStreaming { bodyError = bodyError ?? .cutShort }
    }

    /// Passes bytes from the socket to the gate; those after the end of STDIN are kept for the next request. Returns the
    /// bytes of the body among them; nil if there are none.
    private func takeBody(from bytes: Span<UInt8>) -> [UInt8]? {
        gate.reserveBody(bytes.count)
        var offset = 0
        do {
            while gate.isStreaming, offset < bytes.count {
                // A request that was handed out has its policy already.
                let progress = try gate.advance(bytes, from: &offset) { _ in .ignore }
                guard sendReplies() else {
                    // Part of a reply may have been sent: the web server would take what follows for the rest of it.
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

    /// Waits for the next piece, and sets `bodyError` if the time is over.
    ///
    /// - Parameter pause: the longest time between two pieces.
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

/// A connection whose response stays open without a worker.
extension Connection {
    /// The result of `readParked`.
    enum ParkedReading {
        case open
        /// The web server no longer wants the response; the next request may follow.
        case aborted
        case ended(ConnectionEnd)
    }

    /// Whether a response can stay open: no error has ended the request's body.
    package var canPark: Bool { bodyError == nil && !isForgotten }

    /// Whether another process can continue the response.
    var isAtParkedEdge: Bool { unread.isEmpty && gate.isAtParkedEdge }

    /// Begins with the request of a response that another process has parked.
    func resume(_ head: RequestHead) {
        gate.resume(head)
        isResumed = true
        hasResumedRequest = true
    }

    /// Ends the request for the worker. Its response stays open, until `finishRequest`.
    func park() {
        gate.park()
        headDeadline = nil
        deadline = nil
    }

    /// Reads what has arrived, without blocking. Nothing that a web server sends before the response has ended is of
    /// interest, except that it does not want it any more.
    ///
    /// - Parameter isWithinRecord: whether the next byte that is sent continues a record, so that a reply to a management
    ///   record would be taken for a part of it.
    func readParked(into buffer: ReadBuffer, isWithinRecord: Bool) -> ParkedReading {
        if !unread.isEmpty {
            let bytes = unread
            unread = []
            let reading = advanceParked(bytes.span, isWithinRecord)
            guard case .open = reading else { return reading }
        }
        // Bounded by the gate's limit for bytes that belong to no request.
        while true {
            let count = recv(into: buffer)
            guard count > 0 else {
                if count < 0 && errno == EINTR { continue }
                if count < 0 && errno == EAGAIN { return .open }
                // The client has gone. A reset is the same: the web server had not read everything.
                return .ended(.closed)
            }
            let reading = advanceParked(buffer.bytes.span.extracting(0..<count), isWithinRecord)
            guard case .open = reading else { return reading }
        }
    }

    private func advanceParked(_ bytes: Span<UInt8>, _ isWithinRecord: Bool) -> ParkedReading {
        var offset = 0
        do {
            while offset < bytes.count {
                let progress = try gate.advance(bytes, from: &offset) { _ in .ignore }
                if gate.hasReplies {
                    guard !isWithinRecord, sendReplies() else { return .ended(.repliesNotTaken) }
                }
                if progress == .aborted {
                    if offset < bytes.count {
                        bytes.extracting(offset..<bytes.count).withUnsafeBufferPointer { unread = Array($0) }
                    }
                    return .aborted
                }
            }
            return .open
        } catch {
            return .ended(.violation(error))
        }
    }

    /// Sends bytes, as many as the kernel takes at once.
    ///
    /// - Returns: their number; nil if the connection has ended.
    func sendNow(_ bytes: ArraySlice<UInt8>) -> Int? {
        while true {
            let count = bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
            }
            if count >= 0 { return count }
            switch errno {
            case EINTR: continue
            case EAGAIN: return 0
            default: return nil
            }
        }
    }
}

/// The buffer into which a worker reads from a connection.
package final class ReadBuffer {
    var bytes = [UInt8](repeating: 0, count: 64 << 10)

    package init() {}
}
