internal import Glibc
internal import Logging

/// Writes a log entry as one line: time, level, message, then `key=value`.
struct LineLogHandler: LogHandler {
    let label: String
    let writer: LogWriter
    /// Set by whoever wants another level than the manifest's for one logger.
    var ownLevel: Logger.Level?
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    var logLevel: Logger.Level {
        get { ownLevel ?? writer.level }
        set { ownLevel = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = "\(Self.timestamp) \(event.level) \(label): \(Self.escaped("\(event.message)"))"
        // As in swift-log's own handlers: the provider knows more than the logger, and the entry knows best.
        let fields = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }
            .merging(event.metadata ?? [:]) { $1 }
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            line += " \(Self.fieldName(key))=\(Self.quoted("\(value)"))"
        }
        if let error = event.error { line += " error=\(Self.quoted("\(error)"))" }
        writer.write(line)
    }

    /// UTC with milliseconds (RFC 3339).
    private static var timestamp: String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        func padded(_ number: some BinaryInteger, _ width: Int) -> String {
            let digits = "\(number)"
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let date = "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1, 2))-\(padded(parts.tm_mday, 2))"
        let time = "\(padded(parts.tm_hour, 2)):\(padded(parts.tm_min, 2)):\(padded(parts.tm_sec, 2))"
        return "\(date)T\(time).\(padded(now.tv_nsec / 1_000_000, 3))Z"
    }

    /// A key cannot begin a field or a line of its own.
    private static func fieldName(_ key: String) -> String {
        String(key.map { $0.isWhitespace || $0 == "=" || $0 == "\"" || !$0.isASCII || $0 < " " ? "_" : $0 })
    }

    private static func quoted(_ value: String) -> String {
        let needsQuotes = value.isEmpty || value.utf8.contains { $0 <= 0x20 || $0 == UInt8(ascii: "\"") }
        guard needsQuotes else { return escaped(value) }
        // A backslash of the value's own comes first: it must not protect what is added behind it.
        let protected = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return "\"\(escaped(protected))\""
    }

    /// An entry is one line, whatever an error or a path holds.
    private static func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 || $0 >= 0x7f }) else { return text }
        return text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where isControl(scalar):
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
    }

    /// Control characters, and what Unicode ends a line with.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case ..<0x20, 0x7f...0x9f, 0x2028, 0x2029: true
        default: false
        }
    }
}
