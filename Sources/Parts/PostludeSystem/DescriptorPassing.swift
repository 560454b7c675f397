internal import CPostludeLinux
import Glibc

/// Sends two bytes, and a descriptor (SCM_RIGHTS) unless it is nil, as one message, without blocking.
///
/// - Returns: whether the kernel has taken the message.
package func sendDescriptor(
    _ descriptor: Int32?, note: UInt8, count: UInt8 = 0, to socket: Int32
) -> Bool {
    var bytes = [note, count]
    while true {
        if clinux_send_message(socket, nil, 0, &bytes, 2, descriptor ?? -1) == 2 { return true }
        if errno != EINTR { return false }
    }
}

/// Returns the user who has connected a Unix socket (SO_PEERCRED); nil if the kernel does not report one.
package func peerUser(of socket: Int32) -> UInt32? {
    var user: uid_t = 0
    return clinux_peer_user(socket, &user) == 0 ? user : nil
}

/// Receives one message of `sendDescriptor`, without blocking.
///
/// - Returns: its bytes (0 for a missing one) and its descriptor, which the caller must close and which is closed on
///   exec; nil if there is no message.
package func receiveDescriptor(
    from socket: Int32
) throws(SystemError) -> (note: UInt8, count: UInt8, descriptor: Int32?)? {
    while true {
        var bytes: [UInt8] = [0, 0]
        var descriptor: Int32 = -1
        if clinux_receive_message(socket, &bytes, 2, &descriptor) >= 0 {
            return (bytes[0], bytes[1], descriptor < 0 ? nil : descriptor)
        }
        switch errno {
        case EAGAIN: return nil
        case EINTR: continue
        default: throw SystemError("recvmsg(\(socket))")
        }
    }
}
