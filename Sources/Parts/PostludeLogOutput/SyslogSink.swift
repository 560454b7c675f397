internal import Glibc
internal import PostludeSystem

/// A syslog daemon on this machine, which gets a datagram for each entry (RFC 3164), with the facility `daemon`.
final class SyslogSink: LogSink {
    static let usualPath = "/dev/log"
    /// The largest length of a text in bytes. Daemons cut or drop longer messages.
    private static let limit = 8192
    private static let facility = 3

    let name = "syslog"
    let losses = LogLosses()
    private let sender: DatagramSender
    private let tag: String

    /// - Parameter program: the tag of the entries, to which the process id is added.
    /// - Throws: an error if no daemon listens.
    init(path: String = usualPath, program: String) throws(SystemError) {
        sender = try DatagramSender(path: path)
        tag = "\(program)[\(getpid())]: "
        guard access(path, F_OK) == 0 else {
            throw SystemError(path, advice: "log.to is syslog, but no syslog daemon listens")
        }
    }

    func write(_ entry: LogEntry) { send(Array(entry.text.utf8), severity: entry.level.severity) }

    func write(_ line: AccessLine) { send(line.text, severity: 6) }

    private func send(_ text: [UInt8], severity: Int) {
        let head = "<\(Self.facility << 3 | severity)>\(LogTime.now.syslog) \(tag)"
        let errno = sender.send(Array(head.utf8) + text.prefix(Self.limit))
        if errno == 0 { losses.clear() } else { losses.count(errno) }
    }
}
