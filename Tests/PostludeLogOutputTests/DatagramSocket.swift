import Glibc
import PostludeSystem

/// A daemon's end of a Unix datagram socket.
final class DatagramSocket {
    struct Failure: Error {
        let errno: Int32
    }

    let path: String
    private let descriptor: Int32

    init() throws {
        path = "/tmp/postlude-\(UInt64.random(in: 0 ... .max)).socket"
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | O_CLOEXEC, 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw Failure(errno: errno) }
    }

    deinit {
        close(descriptor)
        unlink(path)
    }

    /// The next datagram; nil if there is none.
    func receive() -> [UInt8]? { receiveWithFile()?.bytes }

    /// The next datagram, with the descriptor that it carries.
    func receiveWithFile() -> (bytes: [UInt8], file: Int32?)? {
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        // A header of 16 bytes, then the descriptor.
        var control = [Int32](repeating: -1, count: 6)
        let count = bytes.withUnsafeMutableBytes { bytes in
            control.withUnsafeMutableBytes { control in
                var piece = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                return withUnsafeMutablePointer(to: &piece) { piece in
                    var message = msghdr()
                    message.msg_iov = piece
                    message.msg_iovlen = 1
                    message.msg_control = control.baseAddress
                    message.msg_controllen = control.count
                    return recvmsg(descriptor, &message, Int32(MSG_DONTWAIT))
                }
            }
        }
        guard count >= 0 else { return nil }
        return (Array(bytes.prefix(count)), control[4] >= 0 ? control[4] : nil)
    }
}
