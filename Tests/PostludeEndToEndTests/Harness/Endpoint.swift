import Foundation

/// The address of a server: a Unix socket's path, or a numeric address and a port.
enum Endpoint: Sendable, CustomStringConvertible {
    case unix(String)
    case tcp(String, UInt16)

    var description: String {
        switch self {
        case .unix(let path): path
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }

    /// The address in the form of nginx's `fastcgi_pass`.
    var upstream: String {
        if case .unix(let path) = self { return "unix:\(path)" }
        return description
    }

    /// spawn-fcgi's options. Any user may connect to the Unix socket, since nginx's worker has to.
    var spawnOptions: [String] {
        switch self {
        case .unix(let path): ["-s", path, "-M", "0666"]
        case .tcp(let host, let port): ["-a", host, "-p", String(port)]
        }
    }

    var family: Int32 {
        switch self {
        case .unix: AF_UNIX
        case .tcp(let host, _): host.contains(":") ? AF_INET6 : AF_INET
        }
    }

    func withAddress<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) throws -> R) rethrows -> R {
        switch self {
        case .unix(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) {
                $0.copyBytes(from: path.utf8.prefix($0.count - 1))
            }
            return try Self.erase(&address, body)
        case .tcp(let host, let port) where family == AF_INET6:
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            inet_pton(AF_INET6, host, &address.sin6_addr)
            return try Self.erase(&address, body)
        case .tcp(let host, let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            inet_pton(AF_INET, host, &address.sin_addr)
            return try Self.erase(&address, body)
        }
    }

    private static func erase<A, R>(
        _ address: inout A, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> R
    ) rethrows -> R {
        try withUnsafePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try body($0, socklen_t(MemoryLayout<A>.size))
            }
        }
    }
}
