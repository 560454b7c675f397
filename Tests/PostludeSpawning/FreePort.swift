internal import Glibc
internal import PostludeSystem
internal import Synchronization

/// TCP ports for programs that a test starts, below the range that the kernel uses for outgoing connections.
///
/// Each port is given once, to one test process at a time, so that no other test takes a free port before the
/// program listens on it.
package enum FreePort {
    private static let range = 20_000..<32_000
    /// Test processes begin at different ports.
    private static let next = Atomic<Int>(Int(getpid()) &* 97)

    package static func take() throws -> UInt16 {
        for _ in range {
            let step = next.add(1, ordering: .relaxed).oldValue
            let port = UInt16(range.lowerBound + (step % range.count))
            if isFree(port), reserve(port) { return port }
        }
        throw SystemError("no TCP port of \(range) is free", errno: EADDRINUSE)
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// Reserves a name that only one process can have, until the process ends: a socket in Linux's abstract
    /// namespace, which has the same scope as the ports.
    private static func reserve(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return false }
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        let text = Array("\0postlude-test-port-\(port)".utf8)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: text) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + text.count)
        let isOurs = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) == 0 }
        }
        // It stays open for as long as the process runs.
        if !isOurs { close(descriptor) }
        return isOurs
    }
}
