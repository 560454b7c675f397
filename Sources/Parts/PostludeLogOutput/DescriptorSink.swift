internal import Glibc
internal import PostludeSystem

/// Standard error or a file as the destination of the log.
final class DescriptorSink: LogSink {
    let name: String
    let losses: LogLosses
    private let output: LineOutput
    /// The file's path; `nil` for standard error.
    private let path: String?
    /// Whether lines begin with their severity as `<N>` (sd-daemon(3)), because systemd reads them.
    private let hasSeverity: Bool

    /// Makes a sink for standard error.
    ///
    /// - Parameters:
    ///   - descriptor: the descriptor, which is another one in tests.
    ///   - journalStream: the variable JOURNAL_STREAM, with the device and inode of the standard error that systemd has set.
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

    /// Makes a sink for a file, which is created if it does not exist. Lines are appended, so that processes can share it.
    init(path: String) throws(SystemError) {
        name = path
        self.path = path
        hasSeverity = false
        losses = LogLosses()
        output = LineOutput(try Self.open(path), closing: true, losses: losses)
    }

    private static func open(_ path: String) throws(SystemError) -> Int32 {
        // O_NONBLOCK: a named pipe without a reader is an error, and a full one does not block the caller.
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
