internal import CPostludeLinux

/// The number of connections that the kernel has queued for a listening socket.
package struct ListenQueue: Sendable {
    package let waiting: Int
    /// The limit: further connections are refused, or wait to be queued.
    package let limit: Int

    /// Asks the kernel: TCP_INFO for TCP, sock_diag for a Unix socket, whose queue is not in /proc.
    ///
    /// - Returns: nil if the kernel does not answer, or if the descriptor is not a socket.
    package init?(of descriptor: Int32) {
        var (waiting, limit) = (UInt32(0), UInt32(0))
        guard clinux_listen_queue(descriptor, &waiting, &limit) == 0 else { return nil }
        self.waiting = Int(waiting)
        self.limit = Int(limit)
    }
}
