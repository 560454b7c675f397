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

    /// What changes rarely.
    private struct State {
        /// Connections with bytes already taken from their sockets: ready, not armed.
        var ready: [Connection] = []
        var isListening = true
        var acceptFailure: SystemError?
    }

    let epoll: Epoll
    private let listener: Listener
    private let webServers: WebServerAddresses
    private let limits: GateLimits
    private let times: ConnectionTimes
    private let table = ConnectionTable()
    let hangUps = HangUpWatches()
    private let state = Lock(State())
    private let isDraining = Atomic<Bool>(false)
    private let readySignal: EventDescriptor
    let stopSignal: EventDescriptor
    let parking: EventDescriptor
    let waiting = Atomic<Int>(0)
    let parked = Atomic<Int>(0)
    /// How many workers may wait for events at a time. Few that are seldom idle keep their caches, and save the kernel
    /// from waking another one for each request; the others are parked until the waiting ones are held up.
    let width: Atomic<Int>
    let leastWidth: Int
    let taken = Atomic<Int>(0)
    private let onNoneWaiting: @Sendable () -> Void
    private let report: @Sendable (ConnectionEnd) -> Void

    /// - Parameters:
    ///   - width: how many workers wait for events at a time, as long as none is held up: one for each core.
    ///   - onNoneWaiting: called by the worker whose leaving made every worker busy.
    ///   - report: told of each connection that ended otherwise than it should.
    package init(
        listener: Listener, webServers: WebServerAddresses, limits: GateLimits, times: ConnectionTimes,
        width: Int, onNoneWaiting: @escaping @Sendable () -> Void,
        report: @escaping @Sendable (ConnectionEnd) -> Void
    ) throws(SystemError) {
        self.listener = listener
        self.webServers = webServers
        self.limits = limits
        self.times = times
        self.onNoneWaiting = onNoneWaiting
        self.report = report
        epoll = try Epoll()
        self.width = Atomic(width)
        leastWidth = width
        parking = try EventDescriptor(counting: true)
        readySignal = try EventDescriptor(counting: true)
        stopSignal = try EventDescriptor()
        try epoll.add(readySignal.descriptor, .input, token: Token.ready)
        try epoll.add(stopSignal.descriptor, .input, token: Token.stop)
        try watchListener()
    }

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
            guard startWaiting() else {
                switch park(milliseconds) {
                case .called: continue
                case .stopped: return .stopped
                case .nothing: return .nothing
                }
            }
            let event = epoll.wait(milliseconds: milliseconds)
            if waiting.subtract(1, ordering: .sequentiallyConsistent).newValue == 0 { onNoneWaiting() }
            taken.wrappingAdd(1, ordering: .relaxed)
            guard let event else { return .nothing }
            guard event.token != Token.stop else { return .stopped }
            guard let connection = take(event) else { continue }
            if let next = look(at: connection, buffer, bodyPolicy) { return next }
        }
    }

    /// Takes a connection back after finish.
    ///
    /// - Parameter isOpen: false when libfcgi has closed the descriptor after a write error.
    package func giveBack(_ connection: Connection, keep: Bool, isOpen: Bool) {
        if connection.isWatched { endWatch(of: connection) }
        guard isOpen else {
            table.remove(connection)
            return ended(.notTaken)
        }
        let bodyError = connection.bodyError
        if let end = bodyError.flatMap(ConnectionEnd.init) { report(end) }
        connection.finishRequest()
        if !keep || bodyError != nil {
            guard !connection.isExhausted else { return discard(connection, .closed) }
            connection.beginLingering()
        }
        if connection.hasUnreadBytes || connection.expectsEnd || connection.mayHoldMore {
            makeReady(connection)
        } else {
            arm(connection)
        }
    }

    // MARK: For the keeper

    package var connectionCount: Int { table.count }

    /// Closes the connections whose time is over.
    package func closeOverdue(at now: MonotonicTime) {
        for connection in table.claimOverdue(at: now) {
            // It may have been served, and armed again, between the look at its deadline and the claim.
            guard let deadline = connection.deadline, deadline <= now else {
                arm(connection)
                continue
            }
            discard(connection, connection.isLingering ? .closed : .timedOut)
        }
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
        isDraining.store(true, ordering: .sequentiallyConsistent)
        for connection in table.claimArmed() { arm(connection) }
        stopIfDone()
    }

    // MARK: Connections

    private func watchListener() throws(SystemError) {
        try epoll.add(listener.descriptor, .acceptEdge, token: Token.listener)
    }

    private func take(_ event: Epoll.Event) -> Connection? {
        switch event.token {
        case Token.listener: return acceptAll()
        case Token.ready:
            guard readySignal.take() else { return nil }
            return state.withLock { $0.ready.isEmpty ? nil : $0.ready.removeFirst() }
        default:
            guard let connection = table.claim(event.token) else {
                // Somebody holds it, and may want to know.
                if event.isHangUp { hangUps.fire(token: event.token) }
                return nil
            }
            if event.isHangUp { connection.expectsEnd = true }
            return connection
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
                guard table.insert(connection) else {
                    Glibc.close(descriptor)
                    report(.tooMany)
                    continue
                }
                return connection
            } catch {
                // Out of descriptors or memory: the keeper tries again.
                state.withLock { if $0.isListening { $0.acceptFailure = error } }
                return nil
            }
        }
    }

    /// Reads what has arrived on a connection that the caller holds; nil when it has let go of it.
    private func look(
        at connection: Connection, _ buffer: ReadBuffer, _ bodyPolicy: (RequestHead) -> BodyPolicy
    ) -> Next? {
        switch connection.read(into: buffer, bodyPolicy: bodyPolicy) {
        case .request: return .request(connection)
        case .refused(let refusal): return .refused(connection, refusal)
        case .waiting: arm(connection)
        case .more: makeReady(connection)
        case .ended(let end): discard(connection, end)
        }
        return nil
    }

    /// Lets go of a connection that has nothing to say now; the next event gives it to a worker.
    private func arm(_ connection: Connection) {
        let wasDraining = isDraining.load(ordering: .sequentiallyConsistent)
        if wasDraining {
            // Nothing will come on an idle kept connection: the web server learns that at once.
            guard !connection.isIdle || connection.hasArrivals else { return discard(connection, .closed) }
            connection.hurry()
        }
        do {
            try register(connection)
        } catch {
            return discard(connection, .lost)
        }
        let token = connection.token
        guard !table.arm(connection) else {
            // The process began to drain meanwhile, and may have looked at its connections before this one was armed.
            if !wasDraining, isDraining.load(ordering: .sequentiallyConsistent),
                let again = table.claim(token)
            {
                arm(again)
            }
            return
        }
        // An event came already, and the caller may have to run tasks: somebody else takes the connection.
        connection.expectsEnd = true
        makeReady(connection)
    }

    private func makeReady(_ connection: Connection) {
        state.withLock { $0.ready.append(connection) }
        readySignal.signal()
    }

    private func discard(_ connection: Connection, _ end: ConnectionEnd) {
        table.remove(connection)
        Glibc.close(connection.descriptor)
        ended(end)
    }

    private func ended(_ end: ConnectionEnd) {
        if end != .closed { report(end) }
        stopIfDone()
    }

    private func stopIfDone() {
        if isDraining.load(ordering: .sequentiallyConsistent), table.count == 0 { stopSignal.signal() }
    }
}
