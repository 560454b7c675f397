internal import CPostludeLinux
import Glibc

/// The largest payload of a message with a descriptor, in bytes.
package let largestPayload = 64 << 10

/// Sends two bytes and a payload, and a descriptor (SCM_RIGHTS) unless it is nil, as one message, without blocking.
///
/// - Returns: whether the kernel has taken the message.
package func sendDescriptor(
    _ descriptor: Int32?, note: UInt8, count: UInt8 = 0, payload: [UInt8] = [], to socket: Int32
) -> Bool {
    let bytes = [note, count] + payload
    while true {
        if clinux_send_message(socket, nil, 0, bytes, bytes.count, descriptor ?? -1) == bytes.count {
            return true
        }
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
/// - Returns: its bytes (0 for a missing one), its payload and its descriptor, which the caller must close and which is
///   closed on exec; nil if there is no message.
package func receiveDescriptor(
    from socket: Int32
) throws(SystemError) -> (note: UInt8, count: UInt8, payload: [UInt8], descriptor: Int32?)? {
    while true {
        var descriptor: Int32 = -1
        var received = -1
        let bytes = [UInt8](unsafeUninitializedCapacity: 2 + largestPayload) { buffer, count in
            received = clinux_receive_message(socket, buffer.baseAddress, buffer.count, &descriptor)
            count = max(0, received)
        }
        if received >= 0 {
            return (
                bytes.first ?? 0, bytes.count > 1 ? bytes[1] : 0, Array(bytes.dropFirst(2)),
                descriptor < 0 ? nil : descriptor
            )
        }
        switch errno {
        case EAGAIN: return nil
        case EINTR: continue
        default: throw SystemError("recvmsg(\(socket))")
        }
    }
}
