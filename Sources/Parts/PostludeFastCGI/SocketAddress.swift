import Glibc
package import PostludeSystem

/// The address of a FastCGI socket, or of a connection's peer.
package enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
    case unix(path: String)
    case ipv4(address: UInt32, port: UInt16)
    case ipv6(address: [UInt8], port: UInt16, scope: UInt32)

    /// Parses `/path/to.sock`, `host:port` or `[::1]:port`; a host name is looked up.
    package init(parsing text: String) throws(ListenError) {
        if text.hasPrefix("/") || text.hasPrefix("./") {
            guard text.utf8.count < 108 else { throw .pathTooLong(text) }
            self = .unix(path: text)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw .unknownAddress(text)
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            throw .unknownAddress(text)
        }
        guard !host.isEmpty, let address = Self.look(up: host, port: port) else {
            throw .unknownAddress(text)
        }
        self = address
    }

    /// The address in a `sockaddr` that the kernel filled in.
    init?(_ storage: sockaddr_storage) {
        var copy = storage
        let address: SocketAddress? = withUnsafeBytes(of: &copy) { bytes in
            switch Int32(storage.ss_family) {
            case AF_INET:
                let name = bytes.loadUnaligned(as: sockaddr_in.self)
                return .ipv4(
                    address: UInt32(bigEndian: name.sin_addr.s_addr), port: UInt16(bigEndian: name.sin_port))
            case AF_INET6:
                let name = bytes.loadUnaligned(as: sockaddr_in6.self)
                return .ipv6(
                    address: withUnsafeBytes(of: name.sin6_addr) { Array($0) },
                    port: UInt16(bigEndian: name.sin6_port), scope: name.sin6_scope_id)
            case AF_UNIX:
                return .unix(path: "")
            default:
                return nil
            }
        }
        guard let address else { return nil }
        self = address
    }

    /// The address of a connected socket's peer.
    init?(peerOf descriptor: Int32) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) }
        }
        guard result == 0 else { return nil }
        self.init(storage)
    }

    var family: Int32 {
        switch self {
        case .unix: AF_UNIX
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        }
    }

    /// Calls `body` with the address as a `sockaddr`, and its length.
    func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        switch self {
        case .unix(let path):
            var name = sockaddr_un()
            name.sun_family = sa_family_t(AF_UNIX)
            // The rest of sun_path is zero, and a longer path was refused when it was parsed.
            withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
            return Self.rebound(&name, body)
        case .ipv4(let address, let port):
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = port.bigEndian
            name.sin_addr.s_addr = address.bigEndian
            return Self.rebound(&name, body)
        case .ipv6(let address, let port, let scope):
            var name = sockaddr_in6()
            name.sin6_family = sa_family_t(AF_INET6)
            name.sin6_port = port.bigEndian
            name.sin6_scope_id = scope
            withUnsafeMutableBytes(of: &name.sin6_addr) { $0.copyBytes(from: address.prefix($0.count)) }
            return Self.rebound(&name, body)
        }
    }

    private static func rebound<Name, Result>(
        _ name: inout Name, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<Name>.size))
            }
        }
    }

    private static func look(up host: String, port: UInt16) -> SocketAddress? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var results: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &results) == 0, let first = results else { return nil }
        defer { freeaddrinfo(results) }
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) { target in
            let length = min(Int(first.pointee.ai_addrlen), target.count)
            target.copyMemory(from: UnsafeRawBufferPointer(start: first.pointee.ai_addr, count: length))
        }
        return SocketAddress(storage)
    }

    package var description: String {
        switch self {
        case .unix(let path): path.isEmpty ? "unix socket" : path
        case .ipv4(let address, let port):
            "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255):\(port)"
        case .ipv6(let address, let port, _): "[\(Self.text(ipv6: address))]:\(port)"
        }
    }

    private static func text(ipv6 address: [UInt8]) -> String {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard address.count == 16, inet_ntop(AF_INET6, address, &buffer, socklen_t(buffer.count)) != nil
        else {
            return "?"
        }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension SocketAddress {
    /// Connects to the socket that listens at this address.
    ///
    /// - Parameter seconds: how long to wait for a listener whose queue is full, in seconds.
    package func connect(within seconds: Int) throws(SystemError) -> Int32 {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError("socket(\(self))") }
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        guard withSockaddr({ Glibc.connect(descriptor, $0, $1) }) == 0 else {
            let error = SystemError("connect(\(self))")
            close(descriptor)
            throw error
        }
        return descriptor
    }
}
