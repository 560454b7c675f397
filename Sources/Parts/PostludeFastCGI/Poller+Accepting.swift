import Glibc
package import PostludeSystem
import Synchronization

/// Where connections come from: the listening socket, and other processes.
extension Poller {
    /// Other limits for the connections that are yet to come.
    package func use(limits: GateLimits, times: ConnectionTimes) {
        bounds.withLock { $0 = (limits, times) }
    }

    func watchListener() throws(SystemError) {
        try epoll.add(listener.descriptor, .acceptEdge, token: Token.listener)
    }

    func watchHandover() throws(SystemError) {
        guard let handover else { return }
        try epoll.add(handover.receiving, .acceptEdge, token: Token.handover)
        isAway.store(false, ordering: .sequentiallyConsistent)
    }

    /// Accepts what is queued, but no more than this process has free workers for where others could take the
    /// rest; the caller serves the first one itself.
    func acceptSome() -> Connection? {
        let first = acceptOne()
        guard first != nil else { return nil }
        for _ in 0..<room {
            guard let other = acceptOne() else { return first }
            arm(other)
        }
        // The listener reports an edge: watched anew, it reports what is left.
        rewatch(listener.descriptor, watchListener)
        return first
    }

    /// Takes the connections of other processes, with the same bound; the caller serves the first one itself.
    func receiveSome() -> Connection? {
        var first: Connection?
        for _ in 0...room {
            switch receiveOne() {
            case .connection(let connection):
                if first == nil { first = connection } else { arm(connection) }
            case .nudge:
                rewatch(listener.descriptor, watchListener)
            case .dropped:
                continue
            case .nothing:
                return first
            }
        }
        if let handover { rewatch(handover.receiving, watchHandover) }
        return first
    }

    /// Tries again to take connections, after the kernel had refused; returns the failure since the last
    /// call.
    ///
    /// Also where the kernel has told a process that was killed before it could: with a free worker here, the
    /// control thread looks for itself.
    package func retryAccepting() -> SystemError? {
        let (isListening, failure) = state.withLock { state in
            defer { state.acceptFailure = nil }
            return (state.isListening, state.isListening ? state.acceptFailure : nil)
        }
        guard isListening, failure != nil || isAnyoneWaiting else { return nil }
        if failure != nil || isReadable(listener.descriptor) { rewatch(listener.descriptor, watchListener) }
        // One that is away returns in `reconsiderQueue`.
        if let handover, !isAwayFromQueue, failure != nil || isReadable(handover.receiving) {
            rewatch(handover.receiving, watchHandover)
        }
        return failure
    }

    func acceptOne() -> Connection? {
        table.expectOne()
        defer { expectedOneIsKnown() }
        while true {
            do {
                guard let (descriptor, peer) = try listener.accept() else { return nil }
                if let refusal = webServers.refusal(of: peer, on: descriptor) {
                    Glibc.close(descriptor)
                    report(refusal)
                    continue
                }
                guard let connection = insert(descriptor, peer, hasServed: false) else { continue }
                return connection
            } catch {
                // Out of descriptors or memory: the control thread tries again.
                state.withLock { if $0.isListening { $0.acceptFailure = error } }
                return nil
            }
        }
    }

    enum Received {
        case connection(Connection)
        case nudge, dropped, nothing
    }

    /// The web server was allowed to connect when its connection was accepted.
    func receiveOne() -> Received {
        guard let handover else { return .nothing }
        table.expectOne()
        defer { expectedOneIsKnown() }
        do {
            switch try handover.receive() {
            case .connection(let descriptor, let hasServed, let moves):
                let peer = SocketAddress(peerOf: descriptor) ?? .unix(path: "")
                return insert(descriptor, peer, hasServed: hasServed, moves: moves).map { .connection($0) }
                    ?? .dropped
            case .nudge: return .nudge
            case nil: return .nothing
            }
        } catch {
            state.withLock { if $0.isListening { $0.acceptFailure = error } }
            return .nothing
        }
    }

    private func insert(
        _ descriptor: Int32, _ peer: SocketAddress, hasServed: Bool, moves: Int = 0
    ) -> Connection? {
        let (limits, times) = bounds.withLock { $0 }
        let connection = Connection(
            descriptor: descriptor, peer: peer, limits: limits, times: times, hasServed: hasServed,
            drainDeadline: drainDeadline)
        connection.moves = moves
        if table.insert(connection) { return connection }
        Glibc.close(descriptor)
        report(.tooMany)
        return nil
    }

    private func expectedOneIsKnown() {
        table.expectOneLess()
        stopIfDone()
    }

    /// How many connections may be taken besides the one that the caller serves.
    private var room: Int {
        guard handover != nil else { return 64 }
        return waiting.load(ordering: .relaxed) + parked.load(ordering: .relaxed)
    }

    /// Watched anew, a source reports what is there already.
    func rewatch(_ descriptor: Int32, _ watch: () throws(SystemError) -> Void) {
        // Under the lock: of two at a time the second one would fail, and once the process drains, a source
        // that is watched here would take the others' events.
        state.withLock { state in
            guard state.isListening else { return }
            epoll.remove(descriptor)
            do throws(SystemError) {
                try watch()
            } catch {
                state.acceptFailure = error
            }
        }
    }
}
