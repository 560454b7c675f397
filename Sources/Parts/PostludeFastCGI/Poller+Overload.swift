internal import DequeModule
package import PostludeSystem
import Synchronization

/// Requests that are complete while every worker is busy: they wait here, and are refused after a while.
extension Poller {
    struct WaitingRequest {
        let next: Next
        let start: MonotonicTime
        let deadline: MonotonicTime
    }

    /// Whether a request that the control thread has read waits for a worker.
    package var hasWaitingRequests: Bool { waitingRequests.load(ordering: .sequentiallyConsistent) > 0 }

    /// Reads what has arrived in place of the workers, all of which are busy. Connections that other processes can take
    /// are first offered to them. Called by the control thread.
    ///
    /// - Parameters:
    ///   - buffer: the control thread's own buffer.
    ///   - time: how long each request may wait for a worker from now on.
    ///   - bodyPolicy: called for each request that has a body.
    package func collectWaiting(
        reading buffer: ReadBuffer, within time: Duration, bodyPolicy: (RequestHead) -> BodyPolicy
    ) {
        // No process has a free worker for these connections, and nothing refuses their requests while they are in the
        // queue.
        for connection in receiveOffered() { collect(connection, buffer, time, bodyPolicy) }
        var looksAtReady = 0
        var hasHandedOver = false
        defer { if hasHandedOver, let handover { rewatch(handover.receiving, watchHandover) } }
        // Bounded, since the control thread has other work.
        for _ in 0..<256 {
            guard !isAnyWorkerWaiting, !isAnyWorkerParked, let event = epoll.wait(milliseconds: 0),
                event.token != Token.stop
            else { return }
            let connection: Connection?
            if event.token == Token.ready {
                // Waiting requests, which stay, signal this, too. When it comes for the second time without a ready
                // connection, epoll has reported everything else.
                connection = state.withLock { $0.ready.popFirst() }
                if connection == nil { looksAtReady += 1 } else { readySignal.take() }
                guard looksAtReady < 2 else { return }
            } else if event.token == Token.handover, hasHandedOver {
                // Another process may have a free worker: it has until the next call to take the connection.
                continue
            } else {
                connection = take(event)
                if let connection, connection.token == event.token, handOver(connection) {
                    hasHandedOver = true
                    continue
                }
            }
            if let connection { collect(connection, buffer, time, bodyPolicy) }
        }
    }

    private func collect(
        _ connection: Connection, _ buffer: ReadBuffer, _ time: Duration,
        _ bodyPolicy: (RequestHead) -> BodyPolicy
    ) {
        guard let next = look(at: connection, buffer, bodyPolicy) else { return }
        let now = MonotonicTime.now
        state.withLock { state in
            state.waiting.append(WaitingRequest(next: next, start: now, deadline: now + time))
            // Under the lock, so that the count is raised before another thread takes the request and reduces it.
            waitingRequests.add(1, ordering: .sequentiallyConsistent)
        }
        readySignal.signal()
    }

    /// Receives the connections that wait for a free worker of any process, as long as this process has none.
    private func receiveOffered() -> [Connection] {
        var connections: [Connection] = []
        guard let handover, stage.load(ordering: .sequentiallyConsistent) == .serving else { return [] }
        // Bounded, as above.
        while connections.count < 256, !isAnyWorkerWaiting, !isAnyWorkerParked {
            switch receiveOne() {
            case .connection(let connection): connections.append(connection)
            case .nudge: rewatch(listener.descriptor, watchListener)
            case .dropped: continue
            case .nothing: return connections
            }
        }
        rewatch(handover.receiving, watchHandover)
        return connections
    }

    /// Answers the requests that have waited too long. Their connections are kept. Called by the control thread.
    ///
    /// - Returns: the number of requests answered.
    package func refuseWaiting(at now: MonotonicTime, with response: ShortResponse) -> Int {
        var count = 0
        while let request = takeWaiting(where: { $0.deadline <= now }) {
            count += 1
            let connection: Connection
            switch request.next {
            case .request(let taken), .refused(let taken, _): connection = taken
            case .called, .nothing, .stopped: continue
            }
            let (head, _) = connection.takeRequest()
            let unserved = UnservedRequest(head, on: connection, since: request.start, answer: response)
            giveBack(connection, keep: head.keepsConnection && unserved.isSent, isOpen: true)
            answered(unserved)
        }
        return count
    }

    /// Takes the request that has waited longest.
    ///
    /// The signal of the request is not taken, although it then wakes a worker that finds no work: a signal taken here
    /// could be that of a ready connection.
    ///
    /// - Parameter isWanted: returns whether the request may be taken.
    /// - Returns: nil if no request waits, or the first one may not be taken.
    func takeWaiting(where isWanted: (WaitingRequest) -> Bool = { _ in true }) -> WaitingRequest? {
        guard hasWaitingRequests else { return nil }
        return state.withLock { state in
            guard let first = state.waiting.first, isWanted(first) else { return nil }
            waitingRequests.subtract(1, ordering: .sequentiallyConsistent)
            return state.waiting.popFirst()
        }
    }
}
