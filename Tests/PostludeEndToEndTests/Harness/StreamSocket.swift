import Foundation

/// A blocking client socket whose calls have a time limit.
final class StreamSocket {
    private var descriptor: Int32

    /// - Parameter source: the loopback address from which the connection comes, for TCP only.
    init(to endpoint: Endpoint, from source: String? = nil) throws {
        descriptor = socket(endpoint.family, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw SystemCallError("socket") }
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        if let source {
            let bound = Endpoint.tcp(source, 0).withAddress { bind(descriptor, $0, $1) }
            if bound != 0 { throw closing(SystemCallError("bind \(source)")) }
        }
        let connected = endpoint.withAddress { connect(descriptor, $0, $1) }
        if connected != 0 { throw closing(SystemCallError("connect \(endpoint)")) }
        if case .tcp = endpoint {
            var on: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    deinit { close() }

    private func closing(_ error: SystemCallError) -> SystemCallError {
        close()
        return error
    }

    func close() {
        guard descriptor >= 0 else { return }
        Glibc.close(descriptor)
        descriptor = -1
    }

    func shutdownWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

    func write(_ bytes: some Collection<UInt8>) throws {
        let all = Array(bytes)
        var sent = 0
        while sent < all.count {
            let count = all[sent...].withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw SystemCallError("send") }
            sent += count
        }
    }

    /// Writes without waiting. Returns whether the socket's buffer took all of it.
    func writeWhatFits(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes {
            send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)) == $0.count
        }
    }

    /// The bytes that have arrived; nil after the peer has closed its side, also by a reset.
    func read(within limit: Duration) throws -> [UInt8]? {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let clock = ContinuousClock()
        let end = clock.now + limit
        while true {
            let left = (end - clock.now) / .milliseconds(1)
            let ready = poll(&poller, 1, Int32(max(0, left.rounded(.up))))
            if ready < 0 && errno == EINTR { continue }
            guard ready > 0 else { throw TimedOut(description: "no byte from the server within \(limit)") }
            break
        }
        let piece = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            count = max(0, recv(descriptor, buffer.baseAddress, buffer.count, 0))
        }
        return piece.isEmpty ? nil : piece
    }

    /// Whether the peer has read every byte: Unix sockets, and TCP for acknowledged bytes.
    var peerHasTakenAll: Bool {
        var left: Int32 = 0
        return ioctl(descriptor, UInt(TIOCOUTQ), &left) == 0 && left == 0
    }
}
