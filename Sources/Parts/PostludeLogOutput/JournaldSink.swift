internal import Glibc
internal import PostludeSystem

/// systemd's journald, in its native protocol. The metadata of an entry become fields, which can be searched.
final class JournaldSink: LogSink {
    static let usualPath = "/run/systemd/journal/socket"

    let name = "journald"
    let losses = LogLosses()
    private let sender: DatagramSender
    private let program: String

    /// - Parameter program: the name of the process in the journal (`journalctl -t`).
    /// - Throws: an error if journald does not run.
    init(path: String = usualPath, program: String) throws(SystemError) {
        sender = try DatagramSender(path: path)
        self.program = program
        guard access(path, F_OK) == 0 else {
            throw SystemError(path, advice: "log.to is journald, but systemd's journal does not run here")
        }
    }

    func write(_ entry: LogEntry) {
        var message = JournaldMessage()
        message.append("MESSAGE", Array(entry.text.utf8))
        message.append("PRIORITY", Array("\(entry.level.severity)".utf8))
        message.append("SYSLOG_IDENTIFIER", Array(program.utf8))
        message.append("CODE_FILE", Array(entry.file.utf8))
        message.append("CODE_LINE", Array("\(entry.line)".utf8))
        message.append("CODE_FUNC", Array(entry.function.utf8))
        message.append("POSTLUDE_LOGGER", Array(entry.label.utf8))
        for (key, value) in entry.fields { message.append(Self.fieldName(key), Array(value.utf8)) }
        send(message)
    }

    func write(_ line: AccessLine) {
        var message = JournaldMessage()
        message.append("MESSAGE", line.text)
        message.append("PRIORITY", Array("6".utf8))
        message.append("SYSLOG_IDENTIFIER", Array(program.utf8))
        message.append("POSTLUDE_LOGGER", Array("access".utf8))
        for (key, value) in line.fields { message.append(Self.fieldName(key), Array(value.utf8)) }
        send(message)
    }

    private func send(_ message: JournaldMessage) {
        var errno = sender.send(message.bytes)
        if errno == EMSGSIZE || errno == ENOBUFS { errno = sendFile(message) }
        if errno == 0 { losses.clear() } else { losses.count(errno) }
    }

    /// Sends a message that is too large for a datagram as a file, which journald accepts only if it is sealed.
    private func sendFile(_ message: JournaldMessage) -> Int32 {
        do throws(SystemError) {
            let file = try SealedFile("journal-entry", message.bytes)
            return withExtendedLifetime(file) { sender.send([], attaching: file.descriptor) }
        } catch {
            return error.errno
        }
    }

    /// Returns the field of a key, such as `POSTLUDE_REQUEST` for `request`. journald accepts at most 64 capital letters,
    /// digits and underscores.
    static func fieldName(_ key: String) -> String {
        let letters = key.utf8.prefix(64 - 9).map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 32
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
            default: UInt8(ascii: "_")
            }
        }
        return "POSTLUDE_" + String(decoding: letters, as: UTF8.self)
    }
}

/// An entry in journald's native format.
struct JournaldMessage {
    private(set) var bytes: [UInt8] = []

    /// Adds a field. In journald's format, a value with a newline is preceded by its length instead of `=`.
    mutating func append(_ name: String, _ value: [UInt8]) {
        bytes += name.utf8
        if value.contains(UInt8(ascii: "\n")) {
            bytes.append(UInt8(ascii: "\n"))
            withUnsafeBytes(of: UInt64(value.count).littleEndian) { bytes += $0 }
        } else {
            bytes.append(UInt8(ascii: "="))
        }
        bytes += value
        bytes.append(UInt8(ascii: "\n"))
    }
}
