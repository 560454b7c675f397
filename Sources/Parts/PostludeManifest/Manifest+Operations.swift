package import Logging

extension Manifest {
    /// The listening socket. If it is inherited from spawn-fcgi or systemd, only `allow` and `allowUsers` apply.
    package struct Listen: Sendable, Hashable {
        /// A Unix path, `host:port` or `[ipv6]:port`; `nil` for the inherited socket.
        package var address: String?
        /// The owner of a Unix socket's file, by name or number; `nil` for the user of the process.
        package var owner: String?
        package var group: String?
        /// The mode of a Unix socket's file.
        package var mode: UInt32 = 0o660
        /// The largest number of connections that the kernel queues until they are accepted.
        package var backlog = 4096
        /// Addresses and networks (CIDR) that may connect over TCP; if empty, all may.
        package var allow: [String] = []
        /// Users, by name or number, that may connect over a Unix socket; if empty, all whom the file's mode admits.
        package var allowUsers: [String] = []

        package init() {}
    }

    /// The worker processes.
    package struct Processes: Sendable, Hashable {
        package var count = 1
        /// The number of requests after which a process is replaced, ±10 %; `nil` means never.
        package var maximumRequests: Int?
        /// The resident memory, in bytes, above which a process is replaced; `nil` means never.
        package var maximumMemory: Int?
        /// The time without a sign of life of the control thread after which a process is killed and replaced.
        package var watchdog: Duration = .seconds(30)

        package init() {}
    }

    /// The treatment of requests when every worker is busy and no more may be started.
    package struct Overload: Sendable, Hashable {
        package var policy: Policy = .wait
        /// The time for which a request waits for a worker before it is refused.
        package var wait: Duration = .seconds(1)
        /// The value of `Retry-After` in refusals, in whole seconds.
        package var retryAfter: Duration = .seconds(5)

        package init() {}

        package enum Policy: String, Sendable, Hashable, CaseIterable {
            /// Requests wait as long as the web server waits for them.
            case wait
            /// Requests that have waited too long are answered 503.
            case refuse
        }
    }

    /// The status pages: a separate socket that shows the state of all processes, even when every worker is busy.
    package struct Status: Sendable, Hashable {
        /// A Unix path, `host:port` or `[ipv6]:port`.
        package var listen: String
        package var owner: String?
        package var group: String?
        package var mode: UInt32 = 0o660
        /// Whether the pages can retry and discard durable tasks.
        package var taskActions = false
        package var roles = Roles()
        package var problems = Problems()

        package init(listen: String) { self.listen = listen }

        /// Who may do what, by the names that the web server passes.
        package struct Roles: Sendable, Hashable {
            /// Those who may see the pages, besides the operators; nil for all.
            package var viewers: [String]?
            /// Those who may change tasks, and see their values; nil for all.
            package var operators: [String]?
            /// The header field with a user's names, separated by commas; nil for `REMOTE_USER`.
            package var header: String?

            package init() {}
        }

        /// The thresholds from which the status pages report a problem.
        package struct Problems: Sendable, Hashable {
            /// The number of dead letters.
            package var deadLetters = 1
            /// For how long the broker or the task store is unavailable.
            package var outage: Duration = .seconds(5)
            /// The age of the oldest waiting task.
            package var oldestTask: Duration = .seconds(30)
            /// For how long all workers of a process that may run tasks are busy.
            package var busyTime: Duration = .seconds(30)
            /// The share of responses of the last minute that are 5xx, from 0 to 1.
            package var errors = 0.05
            /// The number of processes that have died in the last five minutes.
            package var restarts = 1

            package init() {}
        }
    }

    /// Returns the settings of the status pages' socket.
    ///
    /// - Parameter address: an address from the command line, which replaces that of the manifest; owner, group and mode then
    ///   have their defaults.
    package func status(at address: String?) -> Status? {
        guard let address else { return status }
        var given = Status(listen: address)
        given.taskActions = status?.taskActions ?? given.taskActions
        given.roles = status?.roles ?? given.roles
        given.problems = status?.problems ?? given.problems
        return given
    }

    /// The settings of the log and of the access log.
    package struct Log: Sendable, Hashable {
        package var level: Logger.Level = .info
        package var destination: Destination = .standardError
        /// The settings of the access log; `nil` if requests are not logged.
        package var access: Access?

        package init() {}

        package enum Destination: Sendable, Hashable {
            case standardError
            case file(String)
            /// The `/dev/log` of a syslog daemon.
            case syslog
            /// systemd's journald, which gets metadata as fields.
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

    /// The location of files that the web server sends for the application.
    package struct Files: Sendable, Hashable {
        /// The folder: an absolute path without `..` and without a slash at the end.
        package var root: String
        /// The URL path, between slashes, of nginx's `internal` location whose alias is `root`.
        package var `internal`: String
    }

    /// The storage of uploaded files, which exist as long as their requests.
    package struct Uploads: Sendable, Hashable {
        /// An absolute path without a slash at the end. `/tmp` is not the default, because it may be in memory.
        package var folder = "/var/tmp"

        package init() {}
    }
}
