import Glibc
import PostludeSystem
import Testing

/// Two connected, non-blocking Unix sockets.
final class SocketPair {
    let first: Int32
    let second: Int32

    init(_ type: __socket_type = SOCK_STREAM) throws {
        var ends: [Int32] = [-1, -1]
        let flags = SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        let result = socketpair(AF_UNIX, Int32(type.rawValue | flags), 0, &ends)
        try #require(result == 0, "\(SystemError("socketpair"))")
        (first, second) = (ends[0], ends[1])
    }

    deinit {
        close(first)
        close(second)
    }
}
