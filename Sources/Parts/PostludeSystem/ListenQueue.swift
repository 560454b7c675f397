internal import CPostludeLinux

/// How many connections the kernel holds for a listening socket.
package struct ListenQueue: Sendable {
    package let waiting: Int
    /// More than these are refused, or wait to be queued.
    package let limit: Int

    /// Asks the kernel: TCP_INFO for TCP, sock_diag for a Unix socket, of which /proc shows nothing.
    ///
    /// - Returns: nil if it does not say, or if the descriptor is not a socket.
    package init?(of descriptor: Int32) {
        var (waiting, limit) = (UInt32(0), UInt32(0))
        guard clinux_listen_queue(descriptor, &waiting, &limit) == 0 else { return nil }
        self.waiting = Int(waiting)
        self.limit = Int(limit)
    }
}
