import Glibc
package import PostludeSystem

/// Connections on their way from one process to another that shares the listening socket.
///
/// A pair of sockets that all processes hold: a process that lets go of a connection sends its descriptor, and
/// a process with a free worker receives it. There is no process in between, and what was sent survives the
/// death of its sender.
package final class HandoverQueue: Sendable {
    /// What a process gets out of the queue.
    enum Message: Equatable {
        /// A connection at a record's edge.
        ///
        /// - hasServed: false for one that owes its first head.
        /// - moves: how often processes have given it away since its last request was answered.
        case connection(descriptor: Int32, hasServed: Bool, moves: Int)
        /// A process could not take what waits on the listening socket.
        case nudge
    }

    private enum Note {
        static let nudge: UInt8 = 1
        static let new: UInt8 = 2
        static let kept: UInt8 = 3
    }

    /// The end to send to; to be inherited by the other processes.
    package let sending: Int32
    /// The end to receive from; to be inherited by the other processes.
    package let receiving: Int32

    /// A new queue, whose ends are closed on exec.
    package init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw SystemError("socketpair") }
        sending = ends[0]
        receiving = ends[1]
        // A message takes some 800 bytes; the kernel grants as much of it as it allows.
        var bytes: Int32 = 4 << 20
        setsockopt(sending, SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }

    /// A queue whose ends were inherited; they are this object's from now on.
    package init(sending: Int32, receiving: Int32) {
        self.sending = sending
        self.receiving = receiving
        for descriptor in [sending, receiving] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    }

    deinit {
        close(sending)
        close(receiving)
    }

    /// Puts a connection into the queue. The caller still has its descriptor, and closes it.
    ///
    /// - Returns: false when the queue is full: nothing was sent.
    package func send(_ descriptor: Int32, hasServed: Bool = true, moves: Int = 0) -> Bool {
        // A program of before the second byte takes the first one alone.
        sendDescriptor(
            descriptor, note: hasServed ? Note.kept : Note.new, count: UInt8(clamping: moves), to: sending)
    }

    /// Wakes a process that has a free worker, so that it looks at the listening socket and at the queue.
    func nudge() { _ = sendDescriptor(nil, note: Note.nudge, to: sending) }

    /// The next message; nil when there is none. Messages that are none of ours are dropped.
    func receive() throws(SystemError) -> Message? {
        // Without a free number the kernel would throw the descriptor away.
        let spare = fcntl(receiving, F_DUPFD_CLOEXEC, 0)
        guard spare >= 0 else { throw SystemError("receive a connection of another process") }
        close(spare)
        // Bounded: what else is there is for the next call.
        for _ in 0..<64 {
            guard let (note, moves, descriptor) = try receiveDescriptor(from: receiving) else { return nil }
            switch (note, descriptor) {
            case (Note.nudge, nil):
                return .nudge
            case (Note.new, let descriptor?) where Self.isConnection(descriptor),
                (Note.kept, let descriptor?) where Self.isConnection(descriptor):
                return .connection(
                    descriptor: descriptor, hasServed: note == Note.kept, moves: Int(moves))
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
