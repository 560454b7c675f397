package import Logging

extension Manifest {
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
}
