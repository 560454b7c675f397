import Glibc
package import PostludeSystem
import Synchronization

/// Draining: closes a process's connections, or hands them over to the processes that continue to serve.
extension Poller {
    /// Accepts the connections that the kernel has queued, then stops listening. Requests that have begun are served,
    /// and workers get `.stopped` when no connection is left. May be called again, to close what would have been handed
    /// over.
    ///
    /// - Parameters:
    ///   - handingOver: whether other processes continue to serve. If so, an idle kept connection is handed over to
    ///     them, or stays until the web server closes it. Otherwise it is closed.
    ///   - time: how long to wait for the rest of requests that have arrived in part. After that they are refused.
    package func drain(handingOver: Bool = false, unfinishedFor time: Duration = .seconds(5)) {
        drainDeadline.set(.now + time)
        let wasListening = state.withLock { state in
            defer { state.isListening = false }
            return state.isListening
        }
        // The table expects one more connection until the end of this function, so that one that is discarded here is not
        // considered the last.
        table.expectOne()
        stage.store(handingOver ? .handingOver : .closing, ordering: .sequentiallyConsistent)
        if wasListening {
            // Before the last accept, so that the kernel reports later connections to other processes.
            epoll.remove(listener.descriptor)
            if !handingOver { listener.refuseConnections() }
            while let connection = acceptOne() { arm(connection) }
            listener.close(keepingFile: handingOver)
        }
        if let handover {
            epoll.remove(handover.receiving)
            receivingIsPaused.store(false, ordering: .sequentiallyConsistent)
            // The kernel may have reported what is in the queue to this process only.
            if handingOver { handover.nudge() } else { receiveRest() }
        }
        for connection in table.claimArmed() { arm(connection) }
        table.expectOneLess()
        stopIfDone()
    }

    /// Hands over kept connections whose next request has arrived, because this process has no free worker for them.
    /// Called by the control thread when all workers have been busy for a while; and repeatedly while the process
    /// drains, since the queue may have been full.
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

    /// Closes, hands over or hurries a connection that is about to be armed, as the stage requires.
    ///
    /// - Returns: false if the connection has been closed or handed over.
    func keepOrDiscard(_ connection: Connection, in stage: Stage) -> Bool {
        switch stage {
        case .serving:
            return true
        case .closing:
            // An idle kept connection is closed at once, so that the web server sends no other request on it.
            guard !connection.isIdle || connection.hasArrivals else {
                discard(connection, .closed)
                return false
            }
            connection.shortenDeadlines()
            return true
        case .handingOver:
            guard !handOver(connection) else { return false }
            connection.shortenDeadlines()
            return true
        }
    }

    /// Sends a connection that the caller holds to the other processes, if it is between two requests.
    ///
    /// - Returns: false if the caller still holds it.
    func handOver(_ connection: Connection) -> Bool {
        guard let handover, connection.isAtEdge, stage.load(ordering: .relaxed) != .closing else {
            return false
        }
        // The socket outlives this process's descriptor: the kernel would continue to report it here.
        epoll.remove(connection.descriptor)
        connection.isRegistered = false
        guard
            handover.send(
                connection.descriptor, hasServed: connection.hasServed, moves: connection.moves)
        else { return false }
        discard(connection, .closed)
        return true
    }

    /// Receives what is left in the queue, because no other process will.
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

/// Offers connections to other processes: a process that cannot run a request's tasks now hands the connection over to
/// one that can.
///
/// The other process is not chosen: the connection goes into the handover queue, and any process with a free worker
/// takes it. So a process that offers a connection stops receiving from the queue, as long as it has no room and
/// another one has.
extension Poller {
    /// The number of moves after which a request is served where it is: what processes know of each other is never up
    /// to date.
    private static let mostMoves = 3
    /// How long the queue may be filled before this process receives from it again.
    private static let longestQueueTime: Duration = .milliseconds(40)

    /// Hands over a connection that the caller holds and on which something has arrived, if another process has more
    /// room for its request.
    ///
    /// - Returns: false if the caller still holds it.
    func offer(_ connection: Connection) -> Bool {
        guard isRoomElsewhere(), let handover, connection.isAtEdge else { return false }
        guard stage.load(ordering: .relaxed) == .serving, connection.moves < Self.mostMoves,
            MonotonicTime.now.nanoseconds >= offersResume.load(ordering: .relaxed)
        else { return false }
        pauseReceiving(handover)
        connection.moves += 1
        return handOver(connection)
    }

    /// Receives connections of other processes again. Called when this process may have room again.
    package func resumeReceiving() {
        guard receivingIsPaused.load(ordering: .sequentiallyConsistent), let handover else { return }
        rewatch(handover.receiving, watchHandover)
    }

    /// Whether this process has stopped receiving from the handover queue, until `resumeReceiving`.
    package var isReceivingPaused: Bool { receivingIsPaused.load(ordering: .sequentiallyConsistent) }

    /// Returns to the queue if no other process has room, or if none takes what is in it. Called by the control thread
    /// every few milliseconds while the process is away.
    package func resumeReceivingIfNeeded(at now: MonotonicTime) {
        guard isReceivingPaused, let handover else { return }
        let isFilled = isReadable(handover.receiving)
        let isStuck = state.withLock { state in
            guard isFilled else {
                state.queueFilledSince = nil
                return false
            }
            let start = state.queueFilledSince ?? now
            state.queueFilledSince = start
            return now - start >= Self.longestQueueTime
        }
        guard isStuck || !isRoomElsewhere() else { return }
        if isStuck {
            // The other processes are less free than they seem; one may be stopped, for example.
            offersResume.store((now + .seconds(1)).nanoseconds, ordering: .relaxed)
        }
        resumeReceiving()
    }

    private func pauseReceiving(_ handover: HandoverQueue) {
        guard !receivingIsPaused.load(ordering: .relaxed) else { return }
        let hasPaused = state.withLock { state in
            guard state.isListening, !receivingIsPaused.load(ordering: .relaxed) else { return false }
            receivingIsPaused.store(true, ordering: .sequentiallyConsistent)
            state.queueFilledSince = nil
            epoll.remove(handover.receiving)
            return true
        }
        if hasPaused { onReceivingPaused() }
    }
}
