package import PostludeSystem

/// Why there is no socket to serve, and what to do about it.
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
            "\"\(text)\" is no address to listen on: expected /path/to/socket, host:port or [ipv6]:port"
        case .pathTooLong(let path):
            "the socket path \"\(path)\" is longer than the 107 bytes that the kernel takes; choose a shorter one"
        case .inUse(let path):
            "another process is listening on \(path); stop it, or choose another --listen"
        case .notASocket(let path):
            "\(path) exists and is no socket; choose another --listen, or remove the file yourself"
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
            leave one ListenStream= in the socket units of this service.
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
