import Glibc
import PostludeSystem

/// The listening socket: inherited from spawn-fcgi or systemd, or opened here.
package final class Listener: Sendable {
    package let descriptor: Int32
    package let address: SocketAddress
    /// Set when the file was made here and has to go with the listener.
    private let file: SocketFile?
    /// Opened early: at the end there may be no number left.
    private let null: Int32

    private init(descriptor: Int32, address: SocketAddress, file: SocketFile? = nil) throws(ListenError) {
        self.descriptor = descriptor
        self.address = address
        self.file = file
        null = Glibc.open("/dev/null", O_RDWR | O_CLOEXEC)
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 else {
            throw .system(SystemError("fcntl(listening socket, O_NONBLOCK)"))
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    /// The socket that spawn-fcgi leaves on descriptor 0, or systemd on the one that LISTEN_FDS announces.
    package static func inherited() throws(ListenError) -> Listener {
        try adopting(InheritedSocket.descriptor())
    }

    /// The same; nil when there is none.
    package static func inheritedIfAny() throws(ListenError) -> Listener? {
        do throws(ListenError) {
            return try inherited()
        } catch {
            if case .noSocket = error { return nil }
            throw error
        }
    }

    /// A listening socket that is open already; the descriptor is the listener's from now on.
    ///
    /// - Parameter owningFile: whether a Unix socket's file goes with the listener.
    /// - Throws: `.noSocket` when it is none.
    package static func adopting(_ descriptor: Int32, owningFile: Bool = false) throws(ListenError)
        -> Listener
    {
        var listening: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0, listening != 0
        else {
            throw .noSocket
        }
        let address = boundAddress(of: descriptor) ?? .unix(path: "")
        var file: SocketFile?
        if owningFile, case .unix(let path) = address { file = SocketFile(path) }
        return try Listener(descriptor: descriptor, address: address, file: file)
    }

    /// Opens a socket on a Unix path, or an address and port. A stale Unix socket is replaced, a live one
    /// refused.
    package static func open(
        _ address: SocketAddress, _ options: ListenOptions = ListenOptions()
    ) throws(ListenError) -> Listener {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.family, type, 0)
        guard descriptor >= 0 else { throw .system(SystemError("socket(\(address))")) }
        var file: SocketFile?
        do throws(ListenError) {
            if case .unix(let path) = address {
                try removeStaleSocket(path, address)
            } else {
                var on: Int32 = 1
                setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
            }
            guard address.withSockaddr({ bind(descriptor, $0, $1) }) == 0 else {
                throw errno == EADDRINUSE ? .inUse("\(address)") : .system(SystemError("bind(\(address))"))
            }
            if case .unix(let path) = address {
                // Before it listens: until then no client can connect, whatever the mode.
                file = SocketFile(path)
                try file?.apply(options)
            }
            guard listen(descriptor, Int32(clamping: options.backlog)) == 0 else {
                throw .system(SystemError("listen(\(address))"))
            }
            let bound = file == nil ? boundAddress(of: descriptor) ?? address : address
            return try Listener(descriptor: descriptor, address: bound, file: file)
        } catch {
            file?.remove()
            Glibc.close(descriptor)
            throw error
        }
    }

    /// One connection that the kernel has queued, with its peer; nil when there is none.
    func accept() throws(SystemError) -> (descriptor: Int32, peer: SocketAddress)? {
        var storage = sockaddr_storage()
        while true {
            let connection = withUnsafeMutableBytes(of: &storage) {
                acceptConnection(on: descriptor, peer: $0)
            }
            if connection >= 0 { return (connection, SocketAddress(storage) ?? .unix(path: "")) }
            switch errno {
            // EINVAL: it refuses connections, and none is left.
            case EAGAIN, EINVAL: return nil
            case EINTR, ECONNABORTED: continue
            default: throw SystemError("accept(\(address))")
            }
        }
    }

    /// From now on the web server's attempts fail, if no other process listens: what has been queued
    /// before can still be accepted, and nothing is queued between the last `accept` and `close`.
    package func refuseConnections() {
        // A socket that was inherited may be kept by the process that made it, systemd for example, to be listened on
        // again. On TCP this would reset what is queued.
        if file != nil { shutdown(descriptor, Int32(SHUT_RD)) }
    }

    /// Whether a Unix socket's file was made here, and goes with the listener.
    package var ownsFile: Bool { file != nil }

    /// Stops listening. The socket file goes only if it was made here, and still is the same.
    ///
    /// The number is kept on /dev/null: a worker that is about to accept gets an error, never another
    /// descriptor, and a process whose descriptor 0 was the socket still has one.
    ///
    /// - Parameter keepingFile: whether another process serves on.
    package func close(keepingFile: Bool = false) {
        if null < 0 || dup2(null, descriptor) < 0 { Glibc.close(descriptor) }
        if null >= 0 { Glibc.close(null) }
        if !keepingFile { file?.remove() }
    }

    private static func removeStaleSocket(_ path: String, _ address: SocketAddress) throws(ListenError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path) }
        // Not waiting: a server that accepts nothing is alive all the same.
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let probe = socket(AF_UNIX, type, 0)
        guard probe >= 0 else { throw .system(SystemError("socket(\(path))")) }
        defer { Glibc.close(probe) }
        guard address.withSockaddr({ connect(probe, $0, $1) }) != 0, errno == ECONNREFUSED else {
            throw .inUse(path)
        }
        guard unlink(path) == 0 else { throw .system(SystemError("unlink(\(path))")) }
    }

    private static func boundAddress(of descriptor: Int32) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard result == 0 else { return nil }
        guard Int32(storage.ss_family) == AF_UNIX else { return SocketAddress(storage) }
        return withUnsafeBytes(of: storage) { bytes in
            let path = bytes.dropFirst(MemoryLayout<sa_family_t>.size).prefix { $0 != 0 }
            return .unix(path: String(decoding: path, as: UTF8.self))
        }
    }
}
