internal import CPostludeLinux
internal import FoundationEssentials
internal import Glibc
package import PostludeSystem

/// One end of the connection between the supervisor and a process: messages, each with at most one descriptor.
///
/// The kernel ends it when the other side dies.
package final class ControlSocket: Sendable {
    package enum Received: Equatable, Sendable {
        /// - descriptor: the receiver's from now on; it is closed on exec.
        case message(ControlMessage, descriptor: Int32?)
        /// A message that this program does not know.
        case unknown
        /// Nothing has come.
        case nothing
        /// The other side is gone.
        case ended
    }

    /// The most bytes that a message may have.
    static let capacity = 16 << 10

    package let descriptor: Int32

    /// - Parameter descriptor: the socket's from now on.
    package init(adopting descriptor: Int32) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    deinit { close(descriptor) }

    package static func pair() throws(SystemError) -> (ControlSocket, ControlSocket) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            throw SystemError("socketpair(control socket)")
        }
        return (ControlSocket(adopting: ends[0]), ControlSocket(adopting: ends[1]))
    }

    /// Sends a message without waiting.
    ///
    /// - Parameter descriptor: a copy of it goes along.
    /// - Returns: false when the other side is gone, or has not read for very long.
    @discardableResult
    package func send(_ message: ControlMessage, descriptor: Int32? = nil) -> Bool {
        // Encoding fails for floating-point numbers only, and there are none.
        guard let bytes = try? JSONEncoder().encode(message) else { return false }
        return bytes.withUnsafeBytes { bytes in
            while true {
                let count = clinux_send_message(
                    self.descriptor, nil, 0, bytes.baseAddress, bytes.count, descriptor ?? -1)
                if count >= 0 { return true }
                guard errno == EINTR else { return false }
            }
        }
    }

    /// Takes a message without waiting.
    package func receive() -> Received {
        var descriptor: Int32 = -1
        var count = -1
        var error: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.capacity) { buffer, filled in
            repeat {
                count = clinux_receive_message(self.descriptor, buffer.baseAddress, buffer.count, &descriptor)
                error = errno
            } while count < 0 && error == EINTR
            filled = max(0, count)
        }
        guard count != 0 else { return .ended }
        guard count > 0 else { return error == EAGAIN ? .nothing : .ended }
        guard let message = try? JSONDecoder().decode(ControlMessage.self, from: Data(bytes)) else {
            if descriptor >= 0 { close(descriptor) }
            return .unknown
        }
        return .message(message, descriptor: descriptor >= 0 ? descriptor : nil)
    }

    /// Waits for a message.
    ///
    /// - Parameter milliseconds: how long at most; -1 for ever.
    package func receive(within milliseconds: Int32) -> Received {
        waitForInput([descriptor], milliseconds: milliseconds)
        return receive()
    }
}

/// What the supervisor and a process tell each other. Programs of two versions may: a new case changes nothing for the
/// others.
package enum ControlMessage: Codable, Equatable, Sendable {
    // MARK: From the supervisor

    /// Use this manifest, whose sealed text comes as a descriptor. The first one is what the process begins with.
    case manifest(generation: Int)
    case reopenLogs
    /// Finish and end.
    ///
    /// - handingOver: whether others serve on, so that idle connections go to them.
    case drain(handingOver: Bool)
    /// End without what is left.
    case leave

    // MARK: From a process

    /// Its workers wait for requests.
    case ready
    /// It serves with that manifest now.
    case applied(generation: Int)
    /// It wants a successor, and serves until that one is ready.
    case replace(reason: String)
    /// A manifest came without its text, since the process had no descriptor for it.
    case manifestLost

    var isManifest: Bool { if case .manifest = self { true } else { false } }
}
