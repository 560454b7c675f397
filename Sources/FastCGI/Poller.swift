import Glibc
package import Linux
import Synchronization

/// Watches the listening socket and every idle connection of a process, and gives each free worker one request.
///
/// Workers wait in `next`: the kernel wakes one of them for each event. A connection belongs to the worker that took
/// it until `giveBack`, and then to the poller: tasks hold a worker, never a connection.
package final class Poller: Sendable {
    /// What a worker gets.
    package enum Next {
        case request(Connection)
        case refused(Connection, Refusal)
        /// Nothing came within the time that the worker wanted to wait.
        case nothing
        /// No connection is left and none will come.
        case stopped
    }

    private enum Token {
        static let listener = UInt64.max
        static let ready = UInt64.max - 1
        static let stop = UInt64.max - 2
    }

    private struct State {
        var table = ConnectionTable()
        /// Connections with bytes already taken from their sockets: ready, not armed.
        var ready: [Connection] = []
        var isDraining = false
        var isListening = true
        var acceptFailure: SystemError?
    }

    private let epoll: Epoll
    private let listener: Listener
    private let webServers: WebServerAddresses
    private let limits: GateLimits
    private let times: ConnectionTimes
    private let state = Mutex(State())
    private let readySignal: EventDescriptor
    private let stopSignal: EventDescriptor
    private let waiting = Atomic<Int>(0)
    private let taken = Atomic<Int>(0)
    private let onNoneWaiting: @Sendable () -> Void
    private let report: @Sendable (ConnectionEnd) -> Void

    /// - Parameters:
    ///   - onNoneWaiting: called by the worker whose leaving made every worker busy.
    ///   - report: told of each connection that ended otherwise than it should.
    package init(
        listener: Listener, webServers: WebServerAddresses, limits: GateLimits, times: ConnectionTimes,
        onNoneWaiting: @escaping @Sendable () -> Void, report: @escaping @Sendable (ConnectionEnd) -> Void
    ) throws(SystemError) {
        self.listener = listener
        self.webServers = webServers
        self.limits = limits
        self.times = times
        self.onNoneWaiting = onNoneWaiting
        self.report = report
        epoll = try Epoll()
        readySignal = try EventDescriptor(counting: true)
        stopSignal = try EventDescriptor()
        try epoll.add(readySignal.descriptor, .input, token: Token.ready)
        try epoll.add(stopSignal.descriptor, .input, token: Token.stop)
        try watchListener()
    }

    /// Readable whenever an event waits for a worker.
    package var descriptor: Int32 { epoll.descriptor }
    /// Whether an event waits for a worker right now.
    package var hasEvents: Bool { isReadable(epoll.descriptor) }
    /// Whether a worker is free.
    package var isAnyoneWaiting: Bool { waiting.load(ordering: .sequentiallyConsistent) > 0 }
    /// How many events workers have taken so far: it stands still while all of them are held up.
    package var takenEvents: Int { taken.load(ordering: .relaxed) }
    package var connectionCount: Int { state.withLock { $0.table.count } }

    // MARK: For workers

    /// Waits for a request that is complete, or refused.
    ///
    /// - Parameters:
    ///   - buffer: the calling worker's own.
    ///   - milliseconds: how long to wait; -1 for ever.
    ///   - bodyPolicy: asked for each request that has a body.
    package func next(
        reading buffer: ReadBuffer, waiting milliseconds: Int32, bodyPolicy: (RequestHead) -> BodyPolicy
    ) -> Next {
        while true {
            waiting.add(1, ordering: .sequentiallyConsistent)
            let token = epoll.wait(milliseconds: milliseconds)
            if waiting.subtract(1, ordering: .sequentiallyConsistent).newValue == 0 { onNoneWaiting() }
            taken.wrappingAdd(1, ordering: .relaxed)
            guard let token else { return .nothing }
            guard token != Token.stop else { return .stopped }
            guard let connection = take(token) else { continue }
            switch connection.read(into: buffer, bodyPolicy: bodyPolicy) {
            case .request: return .request(connection)
            case .refused(let refusal): return .refused(connection, refusal)
            case .waiting: arm(connection)
            case .ended(let end): discard(connection, end)
            }
        }
    }

    /// Takes a connection back after finish.
    ///
    /// - Parameter isOpen: false when libfcgi has closed the descriptor after a write error.
    package func giveBack(_ connection: Connection, keep: Bool, isOpen: Bool) {
        guard isOpen else { return forget(connection, .notTaken) }
        connection.finishRequest()
        guard keep else {
            guard !connection.isExhausted else { return discard(connection, .closed) }
            connection.beginLingering()
            return arm(connection)
        }
        guard connection.hasUnreadBytes else { return arm(connection) }
        state.withLock { $0.ready.append(connection) }
        readySignal.signal()
    }

    // MARK: For the keeper

    /// Closes the connections whose time is over.
    package func closeOverdue(at now: MonotonicTime) {
        let overdue = state.withLock { state in
            state.table.removeArmed { $0.deadline.map { $0 <= now } ?? false }
        }
        for connection in overdue { close(connection, connection.isLingering ? .closed : .timedOut) }
        stopIfDone()
    }

    /// Tries again to accept, after the kernel had refused; returns the failure since the last call.
    package func retryAccepting() -> SystemError? {
        let failure = state.withLock { state in
            defer { state.acceptFailure = nil }
            return state.isListening ? state.acceptFailure : nil
        }
        guard failure != nil else { return nil }
        epoll.remove(listener.descriptor)
        do {
            // The registration is an edge: made anew, it reports what is queued already.
            try watchListener()
        } catch {
            state.withLock { $0.acceptFailure = error }
        }
        return failure
    }

    /// Takes what the kernel has queued, then stops listening. Requests in flight are served; a kept connection is
    /// closed once it has nothing more to say, and workers get `.stopped` when none is left.
    package func drain() {
        let wasListening = state.withLock { state in
            defer { state.isListening = false }
            return state.isListening
        }
        guard wasListening else { return }
        while let connection = acceptOne() { arm(connection) }
        epoll.remove(listener.descriptor)
        listener.close()
        state.withLock { state in
            state.isDraining = true
            // A new connection's first bytes may be on their way, but need not be waited for long.
            let soon = MonotonicTime.now + .seconds(1)
            for connection in state.table.armed where connection.isAtRest { connection.hurry(until: soon) }
        }
        closeIdle()
    }

    // MARK: Connections

    private func watchListener() throws(SystemError) {
        try epoll.add(listener.descriptor, [.input, .edge, .exclusive], token: Token.listener)
    }

    private func take(_ token: UInt64) -> Connection? {
        switch token {
        case Token.listener: return acceptAll()
        case Token.ready:
            guard readySignal.take() else { return nil }
            return state.withLock { $0.ready.isEmpty ? nil : $0.ready.removeFirst() }
        default: return state.withLock { $0.table.claim(token) }
        }
    }

    /// Accepts all that is queued, since the listener reports an edge; the caller serves the first one itself.
    private func acceptAll() -> Connection? {
        let first = acceptOne()
        while first != nil, let other = acceptOne() { arm(other) }
        return first
    }

    private func acceptOne() -> Connection? {
        while true {
            do {
                guard let (descriptor, peer) = try listener.accept() else { return nil }
                guard webServers.allows(peer) else {
                    Glibc.close(descriptor)
                    report(.foreignPeer(peer))
                    continue
                }
                let connection = Connection(descriptor: descriptor, peer: peer, limits: limits, times: times)
                state.withLock { $0.table.insert(connection) }
                return connection
            } catch {
                // Out of descriptors or memory: the keeper tries again.
                state.withLock { if $0.isListening { $0.acceptFailure = error } }
                return nil
            }
        }
    }

    /// Under the lock, so that nobody can close the descriptor between the two steps.
    private func arm(_ connection: Connection) {
        let (failed, isDraining) = state.withLock { state in
            state.table.arm(connection)
            do throws(SystemError) {
                if connection.isRegistered {
                    try epoll.rearm(connection.descriptor, [.input, .oneShot], token: connection.token)
                } else {
                    connection.isRegistered = true
                    try epoll.add(connection.descriptor, [.input, .oneShot], token: connection.token)
                }
                return (false, state.isDraining)
            } catch {
                _ = state.table.claim(connection.token)
                return (true, false)
            }
        }
        if failed { discard(connection, .lost) }
        if isDraining { closeIdle() }
    }

    /// While draining: closes the kept connections that have nothing more to say.
    private func closeIdle() {
        let idle = state.withLock { state in
            state.table.removeArmed { $0.hasServed && $0.isAtRest && !$0.hasArrivals }
        }
        for connection in idle { close(connection, .closed) }
        stopIfDone()
    }

    private func discard(_ connection: Connection, _ end: ConnectionEnd) {
        state.withLock { $0.table.remove(connection) }
        close(connection, end)
        stopIfDone()
    }

    private func close(_ connection: Connection, _ end: ConnectionEnd) {
        Glibc.close(connection.descriptor)
        if end != .closed { report(end) }
    }

    private func forget(_ connection: Connection, _ end: ConnectionEnd) {
        state.withLock { $0.table.remove(connection) }
        report(end)
        stopIfDone()
    }

    private func stopIfDone() {
        if state.withLock({ $0.isDraining && $0.table.count == 0 }) { stopSignal.signal() }
    }
}
