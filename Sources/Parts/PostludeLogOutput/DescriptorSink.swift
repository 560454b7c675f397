internal import Glibc
internal import PostludeSystem

/// Standard error or a file.
final class DescriptorSink: LogSink {
    let name: String
    let losses: LogLosses
    private let output: LineOutput
    /// nil for standard error.
    private let path: String?
    /// Lines begin with `<N>`, their severity, where systemd reads them (sd-daemon(3)).
    private let hasSeverity: Bool

    /// Standard error.
    ///
    /// - Parameters:
    ///   - descriptor: another one, for tests.
    ///   - journalStream: the variable JOURNAL_STREAM: the file that systemd has made standard error.
    init(
        descriptor: Int32 = STDERR_FILENO,
        journalStream: String? = getenv("JOURNAL_STREAM").map { String(cString: $0) }
    ) {
        name = "stderr"
        path = nil
        var status = stat()
        let isKnown = fstat(descriptor, &status) == 0
        hasSeverity = isKnown && journalStream == "\(status.st_dev):\(status.st_ino)"
        losses = LogLosses()
        output = LineOutput(descriptor, closing: false, losses: losses)
    }

    /// A file, which is made if it is not there, and appended to, so that several processes can share it.
    init(path: String) throws(SystemError) {
        name = path
        self.path = path
        hasSeverity = false
        losses = LogLosses()
        output = LineOutput(try Self.open(path), closing: true, losses: losses)
    }

    private static func open(_ path: String) throws(SystemError) -> Int32 {
        // Not blocking: a named pipe without a reader is an error, and one that is full does not make the caller wait.
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK
        let file = Glibc.open(path, flags, 0o640)
        guard file >= 0 else {
            throw SystemError(
                "open(\(path))", advice: "log.to must be a file that this user may write to, or stderr")
        }
        return file
    }

    func write(_ entry: LogEntry) {
        let severity = hasSeverity ? "<\(entry.level.severity)>" : ""
        output.write(Array("\(severity)\(LogTime.now.utc) \(entry.level) \(entry.text)\n".utf8))
    }

    func write(_ line: AccessLine) {
        output.write((hasSeverity ? Array("<6>".utf8) : []) + line.text + [UInt8(ascii: "\n")])
    }

    func reopen() throws(SystemError) {
        guard let path else { return }
        let file = try Self.open(path)
        defer { close(file) }
        try output.replace(by: file)
    }

    func flush(within milliseconds: Int32) { output.flush(within: milliseconds) }
}
