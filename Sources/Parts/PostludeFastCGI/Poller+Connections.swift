import Glibc
package import PostludeSystem
import Synchronization

/// The connections of the poller: armed, ready, or gone.
extension Poller {

    package var connectionCount: Int { table.count }

    /// Closes the connections whose time is over.
    package func closeOverdue(at now: MonotonicTime) {
        for connection in table.claimOverdue(at: now) {
            // It may have been served, and armed again, between the look at its deadline and the claim.
            guard let deadline = connection.deadline, deadline <= now else {
                arm(connection)
                continue
            }
            if isAnyoneWaiting || !connection.hasArrivals {
                giveUp(connection)
            } else {
                // Every worker is busy: its peer is not the one who is late.
                connection.renewDeadline(at: now)
                arm(connection)
            }
        }
    }

    private func giveUp(_ connection: Connection) {
        guard connection.isCollecting else {
            return discard(connection, connection.isLingering ? .closed : .timedOut)
        }
        report(.timedOut)
        let (head, _) = connection.takeRequest()
        let isDraining = stage.load(ordering: .sequentiallyConsistent) != .serving
        let answer = isDraining ? ShortResponse.serviceUnavailable(retryAfter: .seconds(1)) : .requestTimeout
        let request = UnservedRequest(
            head, on: connection, since: connection.bodyStart ?? .now, answer: answer)
        answered(request)
        guard request.isSent else { return discard(connection, .closed) }
        connection.finishRequest()
        connection.beginLingering()
        arm(connection)
    }

    /// Lets go of a connection that has nothing to say now; the next event gives it to a worker.
    func arm(_ connection: Connection) {
        let before = stage.load(ordering: .sequentiallyConsistent)
        guard before == .serving || remains(connection, in: before) else { return }
        do {
            try register(connection)
        } catch {
            return discard(connection, .lost)
        }
        let token = connection.token
        guard !table.arm(connection) else {
            // The process began to drain meanwhile, and may have looked at its connections before this one
            // was armed.
            if stage.load(ordering: .sequentiallyConsistent) != before, let again = table.claim(token) {
                arm(again)
            }
            return
        }
        // An event came already, and the caller may have to run tasks: another worker takes the connection.
        connection.expectsEnd = true
        makeReady(connection)
    }

    func makeReady(_ connection: Connection) {
        state.withLock { $0.ready.append(connection) }
        readySignal.signal()
    }

    func discard(_ connection: Connection, _ end: ConnectionEnd) {
        table.remove(connection)
        Glibc.close(connection.descriptor)
        ended(end)
    }

    func ended(_ end: ConnectionEnd) {
        if end != .closed { report(end) }
        stopIfDone()
    }

    func stopIfDone() {
        if stage.load(ordering: .sequentiallyConsistent) != .serving, table.count == 0 { stopSignal.signal() }
    }
}
