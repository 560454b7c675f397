internal import CPostludeLinux
import Glibc

/// Sends datagrams to a daemon's Unix socket, without blocking.
///
/// Each datagram is addressed to the socket's path, so that a restarted daemon is found again.
package final class DatagramSender: Sendable {
    /// Where the daemon listens.
    package let path: String
    private let descriptor: Int32
    private let target: sockaddr_un
    private let targetLength: socklen_t

    /// - Parameter path: a path, or `@` and an abstract name.
    /// - Throws: `ENAMETOOLONG` for a path that is too long for a socket's address.
    package init(path: String) throws(SystemError) {
        self.path = path
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        let isAbstract = bytes.first == UInt8(ascii: "@")
        if isAbstract { bytes[0] = 0 }
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard !bytes.isEmpty, bytes.count < capacity else {
            throw SystemError("connect to \"\(path)\"", errno: bytes.isEmpty ? EINVAL : ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        target = address
        // An abstract name ends only with the address's length.
        targetLength = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count + (isAbstract ? 0 : 1))
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError("socket(\(path))") }
    }

    deinit { close(descriptor) }

    /// Sends one datagram; drops it if no daemon listens or the daemon's queue is full.
    ///
    /// - Parameter attached: a descriptor that the daemon gets a copy of.
    /// - Returns: 0, or the error's number.
    package func send(_ bytes: [UInt8], attaching attached: Int32 = -1) -> Int32 {
        var target = target
        while true {
            let result = withUnsafeMutablePointer(to: &target) { address in
                bytes.withUnsafeBytes {
                    clinux_send_message(
                        descriptor, address, targetLength, $0.baseAddress, $0.count, attached)
                }
            }
            if result >= 0 { return 0 }
            if errno != EINTR { return errno }
        }
    }
}
