package import Logging

extension Manifest {
    /// The listening socket. Where it is inherited from spawn-fcgi or systemd, only `allow` and `allowUsers`
    /// hold.
    package struct Listen: Sendable, Hashable {
        /// A Unix path, `host:port` or `[ipv6]:port`; `nil` for the inherited socket.
        package var address: String?
        /// The owner of a Unix socket's file, by name or number; `nil` for the process's own user.
        package var owner: String?
        package var group: String?
        /// The mode of a Unix socket's file.
        package var mode: UInt32 = 0o660
        /// Connections that the kernel queues.
        package var backlog = 4096
        /// Addresses and networks (CIDR) that may connect over TCP; empty for all.
        package var allow: [String] = []
        /// Users, by name or number, that may connect over a Unix socket; empty for all whom the file's mode
        /// lets.
        package var allowUsers: [String] = []

        package init() {}
    }

    /// The worker processes.
    package struct Processes: Sendable, Hashable {
        package var count = 1
        /// Requests after which a process is replaced, give or take a tenth; `nil` means never.
        package var maximumRequests: Int?
        /// Bytes of resident memory above which a process is replaced; `nil` means never.
        package var maximumMemory: Int?
        /// A process whose control thread does nothing for so long is killed and replaced.
        package var watchdog: Duration = .seconds(30)

        package init() {}
    }

    /// What happens when every worker is busy and no more may be started.
    package struct Overload: Sendable, Hashable {
        package var policy: Policy = .wait
        /// How long a request waits for a worker before it is refused.
        package var wait: Duration = .seconds(1)
        /// What `Retry-After` says, in whole seconds.
        package var retryAfter: Duration = .seconds(5)

        package init() {}

        package enum Policy: String, Sendable, Hashable, CaseIterable {
            /// Requests wait, as long as the web server does.
            case wait
            /// Requests that have waited too long are answered 503.
            case refuse
        }
    }

    /// A socket of its own on which the state of all processes is shown, also when every worker is busy.
    package struct Status: Sendable, Hashable {
        /// A Unix path, `host:port` or `[ipv6]:port`.
        package var listen: String
        package var owner: String?
        package var group: String?
        package var mode: UInt32 = 0o660
        /// Whether the pages may have durable tasks run once more, or take them back.
        package var steering = false

        package init(listen: String) { self.listen = listen }
    }

    /// The status pages' socket: the command line's goes before the file's, with a file of its own.
    package func status(at address: String?) -> Status? {
        guard let address else { return status }
        var given = Status(listen: address)
        given.steering = status?.steering ?? given.steering
        return given
    }

    /// What is logged, and where to.
    package struct Log: Sendable, Hashable {
        package var level: Logger.Level = .info
        package var destination: Destination = .standardError
        /// `nil` when requests are not logged.
        package var access: Access?

        package init() {}

        package enum Destination: Sendable, Hashable {
            case standardError
            case file(String)
            /// The `/dev/log` of a syslog daemon.
            case syslog
            /// systemd's journal, which gets metadata as fields.
            case journald
        }

        /// The access log: a line for each request, written when its last task has ended.
        package struct Access: Sendable, Hashable {
            package var destination: Destination = .standardError
            package var format: Format = .json

            package init() {}

            package enum Format: Sendable, Hashable {
                case json
                /// Text with `$variables`, as in nginx's `log_format`.
                case text(String)
            }
        }
    }

    /// Where files are that the web server sends for the application.
    package struct Files: Sendable, Hashable {
        /// The folder: an absolute path without `..` and without a slash at the end.
        package var root: String
        /// The URL path, between slashes, of nginx's `internal` location whose alias is `root`.
        package var `internal`: String
    }

    /// Where uploaded files are kept while their requests last.
    package struct Uploads: Sendable, Hashable {
        /// An absolute path without a slash at the end. `/tmp` may be memory, so it is not the default.
        package var folder = "/var/tmp"

        package init() {}
    }
}
