import Glibc

/// The service manager that has started this process, systemd as a rule, and what it wants to be told (sd_notify).
///
/// One process of a service speaks to it: the variables are taken out of the environment, so that no child does.
package final class ServiceManager: Sendable {
    /// One assignment of a notification.
    package enum State: Sendable, Equatable {
        /// The service answers; after a reload, again.
        case ready
        case reloading
        case stopping
        /// A line for people (`systemctl status`).
        case status(String)
        /// The service's main process from now on.
        case mainPID(Int32)
        case watchdog
        /// Starting, reloading or stopping takes so much longer.
        case extendTimeout(Duration)
    }

    private let sender: DatagramSender
    /// How often to send `.watchdog`, half of the time after which the manager acts; nil if it watches nothing.
    package let watchdogInterval: Duration?
    /// The variables that were taken from the environment. A program that replaces this process by `execve`
    /// gets them again.
    package let environment: [String: String]

    /// - Parameters:
    ///   - environment: with NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
    ///   - pid: this process.
    /// - Throws: what is wrong with NOTIFY_SOCKET.
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

    /// Tells the manager, which may not be there any more.
    ///
    /// - Returns: 0, or the error's number.
    @discardableResult
    package func notify(_ states: State...) -> Int32 {
        sender.send(Array(states.map(\.text).joined(separator: "\n").utf8))
    }
}

extension ServiceManager.State {
    /// As systemd reads it (sd_notify(3)).
    var text: String {
        switch self {
        case .ready: "READY=1"
        // The time tells a reload from one that was announced before it.
        case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(MonotonicTime.now.nanoseconds / 1000)"
        case .stopping: "STOPPING=1"
        case .status(let text): "STATUS=" + text.split(whereSeparator: \.isNewline).joined(separator: " ")
        case .mainPID(let pid): "MAINPID=\(pid)"
        case .watchdog: "WATCHDOG=1"
        case .extendTimeout(let time): "EXTEND_TIMEOUT_USEC=\(max(0, time.saturatedNanoseconds / 1000))"
        }
    }
}
