import Foundation

/// The receiving end of a Unix datagram socket, as a daemon has it.
final class DatagramSocket {
    private let descriptor: Int32

    /// - Parameter path: a path, or `@` and an abstract name. Any user may write to it.
    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw SystemCallError("socket") }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let isAbstract = path.hasPrefix("@")
        let name = isAbstract ? [0] + Array(path.utf8.dropFirst()) : Array(path.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = MemoryLayout<sa_family_t>.size + name.count + (isAbstract ? 0 : 1)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(length)) }
        }
        guard bound == 0 else { throw SystemCallError("bind \(path)") }
        if !isAbstract { chmod(path, 0o666) }
    }

    deinit { close(descriptor) }

    /// The next datagram; nil if there is none.
    func receive() -> String? {
        var bytes = [UInt8](repeating: 0, count: 1 << 18)
        let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// Waits for a datagram that holds all of `parts`, and drops the datagrams before it.
    func message(holding parts: String...) throws -> String {
        try eventually("a datagram with \(parts)") {
            while let message = receive() {
                if parts.allSatisfy(message.contains) { return message }
            }
            return nil
        }
    }
}
