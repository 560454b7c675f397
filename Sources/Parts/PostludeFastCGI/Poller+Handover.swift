import Glibc
package import PostludeSystem
import Synchronization

/// The end of a process's connections: closed, or given to the processes that serve on.
extension Poller {
    /// Takes what the kernel has queued, then stops listening. Requests in flight are served, and workers get
    /// `.stopped` when no connection is left. May be called again, to close what would have been handed over.
    ///
    /// - Parameters:
    ///   - handingOver: whether other processes serve on. A kept connection that has nothing to say then goes
    ///     to them, or stays until the web server closes it; otherwise it is closed.
    ///   - time: how long to wait for the rest of requests that have begun to come. Then they are refused.
    package func drain(handingOver: Bool = false, unfinishedFor time: Duration = .seconds(5)) {
        drainDeadline.set(.now + time)
        let wasListening = state.withLock { state in
            defer { state.isListening = false }
            return state.isListening
        }
        // What is discarded meanwhile must not look like the last connection.
        table.expectOne()
        stage.store(handingOver ? .handingOver : .closing, ordering: .sequentiallyConsistent)
        if wasListening {
            // Before the last look, so that other processes are told of what comes after it.
            epoll.remove(listener.descriptor)
            if !handingOver { listener.refuseConnections() }
            while let connection = acceptOne() { arm(connection) }
            listener.close(keepingFile: handingOver)
        }
        if let handover {
            epoll.remove(handover.receiving)
            isAway.store(false, ordering: .sequentiallyConsistent)
            // Those that wait there may have been announced to this process alone.
            if handingOver { handover.nudge() } else { receiveRest() }
        }
        for connection in table.claimArmed() { arm(connection) }
        table.expectOneLess()
        stopIfDone()
    }

    /// Gives other processes what this one has no free worker for: kept connections whose next request has
    /// come. Called by the control thread when every worker is busy for a while; and now and then while the process
    /// hands over, since the queue may have been full.
    package func handOverReady() {
        guard let handover else { return }
        switch stage.load(ordering: .sequentiallyConsistent) {
        case .closing:
            return
        case .handingOver:
            for connection in table.claimArmed() { arm(connection) }
        case .serving:
            for connection in table.claimReadable() where !handOver(connection) { arm(connection) }
            // One nudge is enough as long as no process has a free worker.
            if isReadable(listener.descriptor), !isReadable(handover.receiving) { handover.nudge() }
        }
    }

    /// Whether a connection stays that is about to be armed while the process drains; otherwise it is gone
    /// already.
    func remains(_ connection: Connection, in stage: Stage) -> Bool {
        switch stage {
        case .serving:
            return true
        case .closing:
            // Nothing will come on an idle kept connection: the web server learns that at once.
            guard !connection.isIdle || connection.hasArrivals else {
                discard(connection, .closed)
                return false
            }
            connection.hurry()
            return true
        case .handingOver:
            guard !handOver(connection) else { return false }
            connection.hurry()
            return true
        }
    }

    /// Sends a connection that the caller holds to the other processes, if it is between two requests.
    ///
    /// - Returns: false when the caller still holds it.
    func handOver(_ connection: Connection) -> Bool {
        guard let handover, connection.isAtEdge, stage.load(ordering: .relaxed) != .closing else {
            return false
        }
        // The socket outlives our descriptor of it: the kernel would go on to report it here.
        epoll.remove(connection.descriptor)
        connection.isRegistered = false
        guard
            handover.send(
                connection.descriptor, hasServed: connection.hasServed, moves: connection.moves)
        else { return false }
        discard(connection, .closed)
        return true
    }

    /// The last process takes what no other process will take.
    private func receiveRest() {
        while true {
            switch receiveOne() {
            case .connection(let connection): arm(connection)
            case .nudge, .dropped: continue
            case .nothing: return
            }
        }
    }
}

/// A process that could not run a request's tasks gives its connection to one that can.
///
/// The other process is not chosen: the connection goes into the queue between the processes, and whichever has a free
/// worker takes it. So a process that gives something away stops looking into the queue, as long as it has no room and
/// another one has.
extension Poller {
    /// After this many moves a request is served where it is: what processes know of each other is always late.
    private static let mostMoves = 3
    /// For how long something may be in the queue before this process takes it all the same.
    private static let patience: Duration = .milliseconds(40)

    /// Gives away a connection that the caller holds and that has something to say, if another process has more room for
    /// its request.
    ///
    /// - Returns: false when the caller still holds it.
    func offer(_ connection: Connection) -> Bool {
        guard isRoomElsewhere(), let handover, connection.isAtEdge else { return false }
        guard stage.load(ordering: .relaxed) == .serving, connection.moves < Self.mostMoves,
            MonotonicTime.now.nanoseconds >= offersResume.load(ordering: .relaxed)
        else { return false }
        leaveQueue(handover)
        connection.moves += 1
        return handOver(connection)
    }

    /// Receives connections from the other processes again. To be called when this process may have room
    /// again.
    package func returnToQueue() {
        guard isAway.load(ordering: .sequentiallyConsistent), let handover else { return }
        rewatch(handover.receiving, watchHandover)
    }

    /// Whether `returnToQueue` is to be called once the queue need no longer be left to others.
    package var isAwayFromQueue: Bool { isAway.load(ordering: .sequentiallyConsistent) }

    /// Returns to the queue when no other process has room, or when none takes what is in it. Called by the control thread every
    /// few milliseconds while the process is away.
    package func reconsiderQueue(at now: MonotonicTime) {
        guard isAwayFromQueue, let handover else { return }
        let isFilled = isReadable(handover.receiving)
        let isStuck = state.withLock { state in
            guard isFilled else {
                state.queueFilledSince = nil
                return false
            }
            let start = state.queueFilledSince ?? now
            state.queueFilledSince = start
            return now - start >= Self.patience
        }
        guard isStuck || !isRoomElsewhere() else { return }
        if isStuck {
            // The others are not as free as they seem: one that is stopped, say.
            offersResume.store((now + .seconds(1)).nanoseconds, ordering: .relaxed)
        }
        returnToQueue()
    }

    private func leaveQueue(_ handover: HandoverQueue) {
        guard !isAway.load(ordering: .relaxed) else { return }
        let hasLeft = state.withLock { state in
            guard state.isListening, !isAway.load(ordering: .relaxed) else { return false }
            isAway.store(true, ordering: .sequentiallyConsistent)
            state.queueFilledSince = nil
            epoll.remove(handover.receiving)
            return true
        }
        if hasLeft { onAway() }
    }
}
