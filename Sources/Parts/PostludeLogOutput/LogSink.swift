internal import Logging
internal import PostludeSystem
internal import Synchronization

/// A destination of log entries. Writing neither waits for long nor fails: entries that cannot be written are lost and
/// counted.
protocol LogSink: AnyObject, Sendable {
    /// The destination's name in the log.
    var name: String { get }
    var losses: LogLosses { get }

    func write(_ entry: LogEntry)
    /// Writes a line of the access log.
    func write(_ line: AccessLine)
    /// Opens the file's path again, after the old file was moved.
    func reopen() throws(SystemError)
    /// Writes lines that could not be written before.
    ///
    /// - Parameter milliseconds: the longest time to wait for a slow reader.
    func flush(within milliseconds: Int32)
}

extension LogSink {
    func reopen() throws(SystemError) {}
    func flush(within milliseconds: Int32) {}
}

/// A log entry, before a destination formats it.
struct LogEntry {
    let level: Logger.Level
    let label: String
    let message: String
    /// The metadata, sorted by key.
    let fields: [(key: String, value: String)]
    let file: String
    let function: String
    let line: UInt

    /// A readable line: the label, the message, then the fields as `key=value`.
    var text: String {
        fields.reduce("\(label): \(LogText.escaped(message))") { text, field in
            "\(text) \(LogText.fieldName(field.key))=\(LogText.quoted(field.value))"
        }
    }
}

/// A line of the access log, with fields for a destination that keeps them separately.
struct AccessLine {
    let text: [UInt8]
    let fields: [(key: String, value: String)]
}

/// The lines that a destination has lost.
final class LogLosses: Sendable {
    private struct State {
        var count = 0
        var errno: Int32 = 0
    }

    private let state = Lock(State())
    private let failing = Atomic<Bool>(false)

    /// Whether the last line was lost.
    var isFailing: Bool { failing.load(ordering: .relaxed) }

    /// Records that a line was written.
    func clear() {
        if failing.load(ordering: .relaxed) { failing.store(false, ordering: .relaxed) }
    }

    func count(_ errno: Int32, lines: Int = 1) {
        failing.store(true, ordering: .relaxed)
        state.withLock { state in
            state.count += lines
            state.errno = errno
        }
    }

    /// Returns the number of lines that were lost since the last call, with the last error; `nil` if there are none.
    func take() -> (count: Int, errno: Int32)? {
        state.withLock { state in
            guard state.count > 0 else { return nil }
            defer { state.count = 0 }
            return (state.count, state.errno)
        }
    }
}

extension Logger.Level {
    /// syslog's severity (RFC 5424, 6.2.1), which journald calls PRIORITY.
    var severity: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
