import Glibc

/// The service manager that has started this process, usually systemd, and the notifications for it (sd_notify).
///
/// Only one process of a service may notify it: the variables are removed from the environment, so that children do
/// not.
package final class ServiceManager: Sendable {
    /// One assignment of a notification.
    package enum State: Sendable, Equatable {
        /// The service is ready, after its start or after a reload.
        case ready
        case reloading
        case stopping
        /// A line for the operator (`systemctl status`).
        case status(String)
        /// The service's main process has this number from now on.
        case mainPID(Int32)
        case watchdog
        /// Starting, reloading or stopping takes this much longer.
        case extendTimeout(Duration)
    }

    private let sender: DatagramSender
    /// The interval for `.watchdog`: half of the time after which the manager acts; nil if it does not watch the
    /// service.
    package let watchdogInterval: Duration?
    /// The variables that were taken from the environment. A program that replaces this process by `execve`
    /// gets them again.
    package let environment: [String: String]

    /// - Parameters:
    ///   - environment: contains NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
    ///   - pid: this process's number.
    /// - Throws: if NOTIFY_SOCKET is invalid.
    package init?(environment: [String: String], pid: Int32 = getpid()) throws(SystemError) {
        guard let path = environment["NOTIFY_SOCKET"], !path.isEmpty else { return nil }
        guard path.hasPrefix("/") || path.hasPrefix("@") else {
            throw SystemError("NOTIFY_SOCKET=\(path)", errno: EAFNOSUPPORT)
        }
        sender = try DatagramSender(path: path)
        let microseconds = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        let isForUs = environment["WATCHDOG_PID"].map { Int32($0) == pid } ?? true
        watchdogInterval = microseconds > 1 && isForUs ? .microseconds(microseconds / 2) : nil
        self.environment = environment.filter { Self.names.contains($0.key) }
    }

    private static let names = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]

    /// Takes the variables out of the process's environment. To be called before other threads are started.
    ///
    /// - Returns: nil if no service manager has started the process.
    package static func takeFromEnvironment() throws(SystemError) -> ServiceManager? {
        var found: [String: String] = [:]
        for name in names {
            found[name] = getenv(name).map { String(cString: $0) }
            unsetenv(name)
        }
        return try ServiceManager(environment: found)
    }

    /// Notifies the manager, which may no longer be there.
    ///
    /// - Returns: 0, or the error's number.
    @discardableResult
    package func notify(_ states: State...) -> Int32 {
        sender.send(Array(states.map(\.text).joined(separator: "\n").utf8))
    }
}

extension ServiceManager.State {
    /// The assignment in systemd's format (sd_notify(3)).
    var text: String {
        switch self {
        case .ready: "READY=1"
        // The time distinguishes a reload from one that was announced before it.
        case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(MonotonicTime.now.nanoseconds / 1000)"
        case .stopping: "STOPPING=1"
        case .status(let text): "STATUS=" + text.split(whereSeparator: \.isNewline).joined(separator: " ")
        case .mainPID(let pid): "MAINPID=\(pid)"
        case .watchdog: "WATCHDOG=1"
        case .extendTimeout(let time): "EXTEND_TIMEOUT_USEC=\(max(0, time.saturatedNanoseconds / 1000))"
        }
    }
}
