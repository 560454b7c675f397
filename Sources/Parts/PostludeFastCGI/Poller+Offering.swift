package import PostludeSystem
import Synchronization

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

    /// Called when there may be room in this process again: a sibling's connection can come here.
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
