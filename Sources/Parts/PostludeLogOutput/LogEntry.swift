internal import Logging

/// A log entry, before a destination gives it its form.
struct LogEntry {
    let level: Logger.Level
    let label: String
    let message: String
    /// By name.
    let fields: [(key: String, value: String)]
    let file: String
    let function: String
    let line: UInt

    /// One line for people: the label, the message, then `key=value`.
    var text: String {
        fields.reduce("\(label): \(LogText.escaped(message))") { text, field in
            "\(text) \(LogText.fieldName(field.key))=\(LogText.quoted(field.value))"
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
