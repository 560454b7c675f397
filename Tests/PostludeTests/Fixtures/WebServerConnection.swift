import Glibc
import PostludeFastCGI
import PostludeSystem

/// A web server's end of a connection to a process.
final class WebServerConnection: Sendable {
    private let descriptor: Int32

    /// - Parameter address: a port of this machine.
    init(to address: SocketAddress) throws {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        descriptor = socket
        // A test that waits in vain fails, and does not hang. The server's own thread may have to wait for
        // other tests that hold the concurrency pool, so the limit is that of the whole run.
        var time = timeval(tv_sec: 300, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        guard case .ipv4(_, let port) = address else { throw ListenError.noSocket }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw SystemError("connect") }
    }

    deinit { close(descriptor) }

    func send(_ request: RequestFixture) throws {
        let bytes = request.records
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw SystemError("send")
        }
    }

    /// The next response: STDOUT up to END_REQUEST.
    func response() throws -> String {
        var output: [UInt8] = []
        while true {
            let header = try read(8)
            let content = try read(Int(header[4]) << 8 | Int(header[5]))
            _ = try read(Int(header[6]))
            if header[1] == 3 { return String(decoding: output, as: UTF8.self) }
            if header[1] == 6 { output += content }
        }
    }

    /// The next record of STDOUT that is not empty.
    func output() throws -> String {
        while true {
            let header = try read(8)
            let content = try read(Int(header[4]) << 8 | Int(header[5]))
            _ = try read(Int(header[6]))
            if header[1] == 6, !content.isEmpty { return String(decoding: content, as: UTF8.self) }
        }
    }

    private func read(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let more = bytes.withUnsafeMutableBytes { buffer in
                recv(descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, 0)
            }
            guard more > 0 else { throw SystemError("recv") }
            filled += more
        }
        return bytes
    }
}
