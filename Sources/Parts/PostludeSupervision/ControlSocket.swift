internal import CPostludeLinux
internal import FoundationEssentials
internal import Glibc
package import PostludeSystem

/// One end of the connection between the supervisor and a process. It carries messages, each with at most one
/// descriptor.
///
/// The kernel ends the connection when the other side dies.
package final class ControlSocket: Sendable {
    package enum Received: Equatable, Sendable {
        /// - descriptor: that of a manifest, nil for other messages. The receiver must close it; it is closed on exec.
        case message(ControlMessage, descriptor: Int32?)
        /// A message that this program does not know.
        case unknown
        /// There is no message.
        case nothing
        /// The other side has closed the connection, or died.
        case ended
    }

    /// The largest size of a message, in bytes.
    static let capacity = 16 << 10

    package let descriptor: Int32

    /// - Parameter descriptor: a descriptor that this object then closes.
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

    /// Sends a message, without blocking.
    ///
    /// - Parameter descriptor: a descriptor whose copy is sent with the message.
    /// - Returns: false if the other side is gone, or has not read for very long.
    @discardableResult
    package func send(_ message: ControlMessage, descriptor: Int32? = nil) -> Bool {
        // Encoding can fail only for floating-point numbers, and there are none.
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

    /// Receives a message, without blocking.
    package func receive() -> Received {
        var descriptor: Int32 = -1
        var count = -1
        var error: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.capacity) { buffer, filled in
            repeat {
                count = clinux_receive_message(self.descriptor, buffer.baseAddress, buffer.count, &descriptor)
                error = errno
                // If the other side has ended without reading everything, this is reported once, before its last messages.
            } while count < 0 && (error == EINTR || error == ECONNRESET)
            filled = max(0, count)
        }
        guard count != 0 else { return .ended }
        guard count > 0 else { return error == EAGAIN ? .nothing : .ended }
        guard let message = try? JSONDecoder().decode(ControlMessage.self, from: Data(bytes)) else {
            if descriptor >= 0 { close(descriptor) }
            return .unknown
        }
        guard descriptor >= 0, message.isManifest else {
            // Other messages take no descriptor, and their receivers close none.
            if descriptor >= 0 { close(descriptor) }
            return .message(message, descriptor: nil)
        }
        return .message(message, descriptor: descriptor)
    }

    /// Waits for a message.
    ///
    /// - Parameter milliseconds: how long at most; -1 for ever.
    package func receive(within milliseconds: Int32) -> Received {
        waitForInput([descriptor], milliseconds: milliseconds)
        return receive()
    }
}

/// The messages between the supervisor and a process. The two may be programs of different versions: a new case must
/// not change the others.
package enum ControlMessage: Codable, Equatable, Sendable {
    // MARK: From the supervisor

    /// Use this manifest, whose sealed text is sent as a descriptor. The first one is the manifest with which the
    /// process begins.
    case manifest(generation: Int)
    case reopenLogs
    /// Finish and end.
    ///
    /// - handingOver: whether other processes continue to serve, so that idle connections are handed over to them.
    case drain(handingOver: Bool)
    /// End without finishing.
    case leave

    // MARK: From a process

    /// The process's workers wait for requests.
    case ready
    /// The process now serves with this manifest.
    case applied(generation: Int)
    /// The process wants to be replaced, and serves until its successor is ready.
    case replace(reason: String)
    /// A manifest arrived without its text, because the process had no free descriptor.
    case resendManifest

    var isManifest: Bool { if case .manifest = self { true } else { false } }
}
