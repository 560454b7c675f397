internal import CLinux
package import Glibc

/// Sends one byte, and a descriptor (SCM_RIGHTS) unless it is nil, as one message; never waits.
///
/// - Returns: whether the kernel has taken it.
package func sendDescriptor(_ descriptor: Int32?, note: UInt8, to socket: Int32) -> Bool {
    var note = note
    while true {
        if clinux_send_message(socket, nil, 0, &note, 1, descriptor ?? -1) == 1 { return true }
        if errno != EINTR { return false }
    }
}

/// The user who has connected a Unix socket (SO_PEERCRED); nil when the kernel does not say.
package func peerUser(of socket: Int32) -> uid_t? {
    var user: uid_t = 0
    return clinux_peer_user(socket, &user) == 0 ? user : nil
}

/// Takes one message of `sendDescriptor`; never waits.
///
/// - Returns: its byte (0 when it is empty) and its descriptor, which is the caller's from now on and is
///   closed on exec; nil when there is no message.
package func receiveDescriptor(
    from socket: Int32
) throws(SystemError) -> (note: UInt8, descriptor: Int32?)? {
    while true {
        var note: UInt8 = 0
        var descriptor: Int32 = -1
        if clinux_receive_message(socket, &note, 1, &descriptor) >= 0 {
            return (note, descriptor < 0 ? nil : descriptor)
        }
        switch errno {
        case EAGAIN: return nil
        case EINTR: continue
        default: throw SystemError("recvmsg(\(socket))")
        }
    }
}
