package import Glibc
package import PostludeSystem

/// The listening socket: inherited from spawn-fcgi or systemd, or opened here.
package final class Listener: Sendable {
    package let descriptor: Int32
    package let address: SocketAddress
    /// The file of a Unix socket that the listener owns and removes; nil otherwise.
    private let file: SocketFile?
    /// A descriptor of /dev/null for `close`. Opened early, because later there may be no free number.
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

    /// Returns the socket that spawn-fcgi leaves on descriptor 0, or systemd on the one that LISTEN_FDS announces.
    package static func inherited() throws(ListenError) -> Listener {
        try adopting(InheritedSocket.descriptor())
    }

    /// Returns the inherited socket; nil if there is none.
    package static func inheritedIfAny() throws(ListenError) -> Listener? {
        do throws(ListenError) {
            return try inherited()
        } catch {
            if case .noSocket = error { return nil }
            throw error
        }
    }

    /// Adopts an open listening socket; the listener then owns the descriptor.
    ///
    /// - Parameter owningFile: whether the listener also owns a Unix socket's file.
    /// - Throws: `.noSocket` if the descriptor is not a listening socket.
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

    /// Opens a socket on a Unix path, or on an address and port. A stale Unix socket is replaced; a live one is an
    /// error.
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

    /// Accepts a queued connection, without blocking; nil if there is none.
    func accept() throws(SystemError) -> (descriptor: Int32, peer: SocketAddress)? {
        var storage = sockaddr_storage()
        while true {
            let connection = withUnsafeMutableBytes(of: &storage) {
                acceptConnection(on: descriptor, peer: $0)
            }
            if connection >= 0 { return (connection, SocketAddress(storage) ?? .unix(path: "")) }
            switch errno {
            // EINVAL: the socket refuses connections, and none is left.
            case EAGAIN, EINVAL: return nil
            case EINTR, ECONNABORTED: continue
            default: throw SystemError("accept(\(address))")
            }
        }
    }

    /// Makes the kernel refuse new connections to a socket whose file the listener owns. Called when no other process
    /// serves.
    ///
    /// Connections that are queued already can still be accepted, and none is queued between the last `accept` and
    /// `close`.
    package func refuseConnections() {
        // The process that made an inherited socket, for example systemd, may keep it to listen on it again. On TCP,
        // this would reset the queued connections.
        if file != nil { shutdown(descriptor, Int32(SHUT_RD)) }
    }

    /// Whether the listener owns the file of its Unix socket.
    package var ownsFile: Bool { file != nil }

    /// Stops listening, and removes the socket's file if the listener owns it and it has not been replaced.
    ///
    /// The descriptor's number then stands for /dev/null: a worker that is about to accept gets an error, not another
    /// file's descriptor, and a process whose descriptor 0 was the socket still has one.
    ///
    /// - Parameter keepingFile: whether another process continues to serve.
    package func close(keepingFile: Bool = false) {
        if null < 0 || dup2(null, descriptor) < 0 { Glibc.close(descriptor) }
        if null >= 0 { Glibc.close(null) }
        if !keepingFile { file?.remove() }
    }

    private static func removeStaleSocket(_ path: String, _ address: SocketAddress) throws(ListenError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path) }
        // Non-blocking: a server that does not accept is alive, too.
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

/// The reason why a listening socket could not be opened or adopted. The description tells the user what to do.
package enum ListenError: Error, CustomStringConvertible {
    case unknownAddress(String)
    case pathTooLong(String)
    case inUse(String)
    case notASocket(String)
    case noSocket
    case tooManySockets(Int, names: String)
    case webServerAddress(String)
    case allowedNetwork(String)
    case unknownUser(String)
    case unknownGroup(String)
    case system(SystemError)

    package var description: String {
        switch self {
        case .unknownAddress(let text):
            "\"\(text)\" is not an address to listen on: expected /path/to/socket, host:port or [ipv6]:port"
        case .pathTooLong(let path):
            "the socket path \"\(path)\" is longer than the 107 bytes that the kernel accepts; choose a shorter one"
        case .inUse(let path):
            "another process is listening on \(path); stop it, or choose another --listen"
        case .notASocket(let path):
            "\(path) exists and is not a socket; choose another --listen, or remove the file yourself"
        case .noSocket:
            """
            there is no FastCGI socket on descriptor 0. Start the program through spawn-fcgi:
                spawn-fcgi -s /run/app.sock -M 0660 -U www-data -n -- PROGRAM serve
            or let it listen by itself:
                PROGRAM serve --listen /run/app.sock
                PROGRAM serve --listen 127.0.0.1:9000
            """
        case .webServerAddress(let text):
            "FCGI_WEB_SERVER_ADDRS holds \"\(text)\", which is neither an IPv4 nor an IPv6 address"
        case .tooManySockets(let count, let names):
            """
            systemd passes \(count) sockets (names: \(names.isEmpty ? "none" : names)), but one is served: \
            keep one ListenStream= in the socket units of this service.
            """
        case .allowedNetwork(let text):
            """
            listen.allow holds "\(text)", which is neither an address nor a network; expected such as \
            127.0.0.1, 10.0.0.0/8, ::1 or fd00::/8
            """
        case .unknownUser(let text):
            "there is no user \"\(text)\"; give listen.owner and listen.allow-users by name or number"
        case .unknownGroup(let text):
            "there is no group \"\(text)\"; give listen.group by name or number"
        case .system(let error): error.description
        }
    }
}

/// A Unix socket's file, identified by device and inode, since another server may have replaced it.
private struct SocketFile {
    private let path: String
    private let device: dev_t
    private let inode: ino_t

    init?(_ path: String) {
        guard let status = Self.status(path) else { return nil }
        self.path = path
        device = status.st_dev
        inode = status.st_ino
    }

    /// Sets the owner, group and mode of the file; does not follow a symbolic link of that name.
    func apply(_ options: ListenOptions) throws(ListenError) {
        let owner = try options.owner.map { text throws(ListenError) in
            guard let user = userID(text) else { throw .unknownUser(text) }
            return user
        }
        let group = try options.group.map { text throws(ListenError) in
            guard let group = groupID(text) else { throw .unknownGroup(text) }
            return group
        }
        // O_PATH, which the C library declares only with _GNU_SOURCE.
        let file = open(path, 0x20_0000 | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { throw .system(SystemError("open(\(path))")) }
        defer { close(file) }
        let name = "/proc/self/fd/\(file)"
        if owner != nil || group != nil {
            guard chown(name, owner ?? uid_t.max, group ?? gid_t.max) == 0 else {
                throw .system(
                    SystemError(
                        "chown(\(path), \(options.owner ?? "-"):\(options.group ?? "-"))",
                        advice: "start as root, or omit listen.owner and listen.group"))
            }
        }
        guard chmod(name, mode_t(truncatingIfNeeded: options.mode) & 0o777) == 0 else {
            throw .system(SystemError("chmod(\(path), \(String(options.mode, radix: 8)))"))
        }
    }

    func remove() {
        guard let status = Self.status(path), status.st_dev == device, status.st_ino == inode else { return }
        unlink(path)
    }

    private static func status(_ path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }
}

/// How a listening socket is opened.
package struct ListenOptions: Sendable {
    /// The owner of a Unix socket's file, by name or number; nil for the process's own user.
    package var owner: String?
    /// The group of the socket's file, by name or number; nil for the process's own group.
    package var group: String?
    /// The mode of the socket's file, which determines who may connect.
    package var mode: UInt32
    /// The number of connections that the kernel queues; limited by `net.core.somaxconn`.
    package var backlog: Int

    package init(
        owner: String? = nil, group: String? = nil, mode: UInt32 = 0o660, backlog: Int = 4096
    ) {
        self.owner = owner
        self.group = group
        self.mode = mode
        self.backlog = backlog
    }
}

/// The listening descriptor with which the program was started: spawn-fcgi's 0, or that of systemd's socket unit.
package enum InheritedSocket {
    /// - Parameters:
    ///   - variables: returns the value of an environment variable.
    ///   - pid: this process's number.
    /// - Throws: `.tooManySockets` if systemd passes several.
    package static func descriptor(
        environment variables: (String) -> String? = { getenv($0).map { String(cString: $0) } },
        pid: pid_t = getpid()
    ) throws(ListenError) -> Int32 {
        guard variables("LISTEN_PID").flatMap({ pid_t($0) }) == pid,
            let count = variables("LISTEN_FDS").flatMap({ Int($0) }), count > 0
        else { return 0 }
        guard count == 1 else {
            throw .tooManySockets(count, names: variables("LISTEN_FDNAMES") ?? "")
        }
        // SD_LISTEN_FDS_START
        return 3
    }
}
