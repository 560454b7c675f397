import PostludeSystem

/// The web server's close while a worker holds the connection: its client has gone, and the web server no longer reads the
/// response.
extension Poller {
    /// Calls `onHangUp` once when the web server has closed the connection, or its side of it; at once, on
    /// the calling thread, when it already has.
    ///
    /// To be called by the worker that holds the connection, as long as its descriptor is open. End the
    /// watch before `giveBack`, which drops it but does not wait for a closure that runs. A second watch of
    /// the same connection ends the first.
    ///
    /// - Parameter onHangUp: called on the thread that learns of it: another worker's, or the control thread's. It
    ///   must be short, and must not wait for a thread that could be ending the watch.
    package func watchHangUp(
        of connection: Connection, _ onHangUp: @escaping @Sendable () -> Void
    ) -> HangUpWatch {
        let entry = HangUpWatches.Entry(
            token: connection.token, descriptor: connection.descriptor, onHangUp: onHangUp)
        guard !connection.isForgotten else {
            entry.fire()
            return HangUpWatch(entry, of: hangUps)
        }
        connection.isWatched = true
        // First, so that an event taken from now on finds the entry; an earlier one has left its mark on the
        // socket.
        hangUps.add(entry)
        // Where the kernel refuses to watch, `checkHangUps` still does, and `arm` deals with the refusal.
        try? register(connection)
        hangUps.check([entry])
        return HangUpWatch(entry, of: hangUps)
    }

    /// Looks at the watched connections itself: while every worker is busy, no worker takes events. Called by the
    /// control thread.
    package func checkHangUps() { hangUps.checkAll() }

    /// Before the connection may be closed, and its number be another's.
    func endWatch(of connection: Connection) {
        connection.isWatched = false
        hangUps.end(token: connection.token)
    }

    /// From now on each arrival is an event, also while a worker holds the connection.
    func register(_ connection: Connection) throws(SystemError) {
        guard !connection.isRegistered else { return }
        try epoll.add(connection.descriptor, .inputEdge, token: connection.token)
        connection.isRegistered = true
    }
}
