import Foundation
import Logging
import PostludeFastCGI
import PostludeManifest
import PostludeSystem
import Testing

@testable import PostludeLogOutput

@Suite("LogWriter", .timeLimit(.minutes(10)))
final class LogWriterTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("log-\(UUID())").path

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: folder)
        } catch {
            Issue.record(error)
        }
    }

    private func log(to destination: Manifest.Log.Destination) -> Manifest.Log {
        var log = Manifest.Log()
        log.destination = destination
        return log
    }

    private func text(_ name: String) throws -> String {
        try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
    }

    private func logger(_ writer: LogWriter) -> Logger {
        Logger(label: "app") { LineLogHandler(label: $0, writer: writer) }
    }

    @Test("after a rotation, lines go to a new file of the same name")
    func reopening() throws {
        let writer = LogWriter()
        try writer.apply(log(to: .file(folder + "/a.log")))
        let logger = logger(writer)
        logger.info("one")
        try FileManager.default.moveItem(atPath: folder + "/a.log", toPath: folder + "/a.log.1")
        logger.info("two")
        writer.reopen(logger: logger)
        logger.info("three")
        let (old, new) = (try text("a.log.1"), try text("a.log"))
        #expect(old.contains(": one\n") && old.contains(": two\n") && !old.contains("three"))
        #expect(new.contains(": three\n") && !new.contains("two"))
    }

    @Test("if a file cannot be opened again, the old one stays in use, and the log says so")
    func reopeningFails() throws {
        let writer = LogWriter()
        try FileManager.default.createDirectory(atPath: folder + "/in", withIntermediateDirectories: false)
        try writer.apply(log(to: .file(folder + "/in/a.log")))
        let logger = logger(writer)
        try FileManager.default.moveItem(atPath: folder + "/in", toPath: folder + "/out")
        writer.reopen(logger: logger)
        #expect(
            try text("out/a.log").contains("a log could not be reopened error=\"open(\(folder)/in/a.log)"))
    }

    @Test("a new manifest's destination replaces the old one; a wrong one does not")
    func applyingAgain() throws {
        let writer = LogWriter()
        let logger = logger(writer)
        try writer.apply(log(to: .file(folder + "/a.log")))
        #expect(throws: SystemError.self) { try writer.apply(log(to: .file(folder + "/none/b.log"))) }
        logger.info("one")
        try writer.apply(log(to: .file(folder + "/b.log")))
        logger.info("two")
        #expect(try text("a.log").hasSuffix(" info app: one\n"))
        #expect(try text("b.log").hasSuffix(" info app: two\n"))
    }

    @Test("lost lines of another log are reported once, with the reason")
    func losses() throws {
        var settings = log(to: .file(folder + "/a.log"))
        settings.access = .init()
        settings.access?.destination = .file("/dev/full")
        let writer = LogWriter()
        try writer.apply(settings)
        let record = AccessRecord(
            head: try RequestHead(parameters: []), requestID: "r", path: nil, route: "", handler: "",
            status: 200, bodyBytes: 0, bytes: 0, duration: .zero, worker: 0)
        for _ in 0..<5 { try #require(writer.access).write(record) }
        writer.flushAndReportLosses(to: logger(writer))
        writer.flushAndReportLosses(to: logger(writer))
        let lines = try text("a.log").split(separator: "\n")
        #expect(lines.count == 1)
        #expect(
            lines.first?.hasSuffix(
                "log lines were lost count=5 log=/dev/full reason=\"write: No space left on device (errno 28)\""
            )
                == true, "\(lines)")
    }

    @Test("standard error that systemd reads gets severities, any other does not")
    func severities() throws {
        for isJournald in [true, false] {
            let path = folder + "/stderr-\(isJournald)"
            let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            defer { close(file) }
            var status = stat()
            fstat(file, &status)
            let sink = DescriptorSink(
                descriptor: file, journalStream: isJournald ? "\(status.st_dev):\(status.st_ino)" : "1:2")
            sink.write(
                LogEntry(
                    level: .warning, label: "app", message: "x", fields: [], file: "", function: "", line: 1))
            #expect(try text("stderr-\(isJournald)").hasPrefix("<4>") == isJournald)
        }
    }

    @Test("a log that cannot be opened may be postponed: until then, standard error gets its lines")
    func postponed() throws {
        let writer = LogWriter()
        let logger = logger(writer)
        var wanted = log(to: .file(folder + "/in/a.log"))
        wanted.level = .warning
        #expect(throws: SystemError.self) { try writer.apply(wanted, orLater: false, logger: logger) }
        try writer.apply(wanted, orLater: true, logger: logger)
        writer.reopen(logger: logger)
        #expect(writer.level == .info)
        try FileManager.default.createDirectory(atPath: folder + "/in", withIntermediateDirectories: false)
        writer.reopen(logger: logger)
        logger.warning("one")
        #expect(writer.level == .warning)
        #expect(try text("in/a.log").contains(": one\n"))
    }

    @Test("settings that are postponed at a reload leave the log where it is, and the log says so")
    func postponedAtReload() throws {
        let writer = LogWriter()
        let logger = logger(writer)
        try writer.apply(log(to: .file(folder + "/a.log")))
        try writer.apply(log(to: .file(folder + "/in/b.log")), orLater: true, logger: logger)
        logger.info("one")
        let lines = try text("a.log")
        #expect(lines.contains("the log settings stay as they are until the logs are reopened"))
        #expect(lines.contains("log=\(folder)/a.log"))
        #expect(!lines.contains("standard error") && lines.contains(": one\n"))
    }
}
