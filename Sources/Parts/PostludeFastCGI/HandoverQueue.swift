import Glibc
package import PostludeSystem

/// A queue of connections that the processes of one listening socket hand over to each other.
///
/// It is a pair of sockets that all processes share: one process sends the descriptor of a connection, and one with a
/// free worker receives it. No process relays messages, and a message survives the death of its sender.
package final class HandoverQueue: Sendable {
    /// A message in the queue.
    enum Message: Equatable {
        /// A connection at a record boundary.
        ///
        /// - hasServed: whether it has carried a request; if not, its first head is due.
        /// - moves: how many times processes have offered it to others since its last request was answered.
        case connection(descriptor: Int32, hasServed: Bool, moves: Int)
        /// The connection of a parked response.
        case parked(descriptor: Int32, ParkedRequest)
        /// The sender could not accept what waits on the listening socket.
        case nudge
    }

    private enum Note {
        static let nudge: UInt8 = 1
        static let new: UInt8 = 2
        static let keptAlive: UInt8 = 3
        static let parked: UInt8 = 4
    }

    /// The sending end, which the other processes inherit.
    package let sending: Int32
    /// The receiving end, which the other processes inherit.
    package let receiving: Int32

    /// Makes a queue whose ends are closed on exec.
    package init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw SystemError("socketpair") }
        sending = ends[0]
        receiving = ends[1]
        // A message takes some 800 bytes of the buffer. The kernel grants as much as its limit allows.
        var bytes: Int32 = 4 << 20
        setsockopt(sending, SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Adopts the inherited ends of a queue, which this object then closes.
    package init(sending: Int32, receiving: Int32) {
        self.sending = sending
        self.receiving = receiving
        for descriptor in [sending, receiving] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    }

    deinit {
        close(sending)
        close(receiving)
    }

    /// Puts a connection into the queue. The caller still has its descriptor, and must close it.
    ///
    /// - Returns: false if nothing was sent because the queue is full.
    package func send(_ descriptor: Int32, hasServed: Bool = true, moves: Int = 0) -> Bool {
        // An older program, without the second byte, reads only the first one.
        sendDescriptor(
            descriptor, note: hasServed ? Note.keptAlive : Note.new, count: UInt8(clamping: moves),
            to: sending)
    }

    /// Puts the connection of a parked response into the queue. The caller still has its descriptor, and must close it.
    ///
    /// - Returns: false if nothing was sent because the queue is full.
    func send(_ descriptor: Int32, parked request: ParkedRequest) -> Bool {
        sendDescriptor(descriptor, note: Note.parked, payload: request.payload, to: sending)
    }

    /// Wakes a process that has a free worker, so that it looks at the listening socket and at the queue.
    func nudge() { _ = sendDescriptor(nil, note: Note.nudge, to: sending) }

    /// Receives the next message; nil if there is none. Unknown messages are dropped.
    func receive() throws(SystemError) -> Message? {
        // Without a free number, the kernel would discard the descriptor.
        let spare = fcntl(receiving, F_DUPFD_CLOEXEC, 0)
        guard spare >= 0 else { throw SystemError("receive a connection of another process") }
        close(spare)
        // Bounded: the next call receives the rest.
        for _ in 0..<64 {
            guard let (note, moves, payload, descriptor) = try receiveDescriptor(from: receiving)
            else { return nil }
            switch (note, descriptor) {
            case (Note.nudge, nil):
                return .nudge
            case (Note.new, let descriptor?) where Self.isConnection(descriptor),
                (Note.keptAlive, let descriptor?) where Self.isConnection(descriptor):
                return .connection(
                    descriptor: descriptor, hasServed: note == Note.keptAlive, moves: Int(moves))
            case (Note.parked, let descriptor?) where Self.isConnection(descriptor):
                if let request = ParkedRequest(payload) {
                    return .parked(descriptor: descriptor, request)
                }
                close(descriptor)
            default:
                if let descriptor { close(descriptor) }
            }
        }
        return .nudge
    }

    private static func isConnection(_ descriptor: Int32) -> Bool {
        var type: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0
            && type == Int32(SOCK_STREAM.rawValue)
    }
}
