import Foundation
import Logging
import PostludeManifest
import Testing

@testable import PostludeLogOutput

@Suite("LineLogHandler")
final class LineLogHandlerTests {
    private let file = FileManager.default.temporaryDirectory.appendingPathComponent("log-\(UUID()).txt")

    deinit {
        do {
            try FileManager.default.removeItem(at: file)
        } catch {
            Issue.record(error)
        }
    }

    private static func log(_ path: String, level: Logger.Level = .info) -> Manifest.Log {
        var log = Manifest.Log()
        log.destination = .file(path)
        log.level = level
        return log
    }

    private func writer(_ path: String? = nil) throws -> LogWriter {
        let writer = LogWriter()
        try writer.apply(Self.log(path ?? file.path))
        return writer
    }

    /// The lines that `body` logs, without their time.
    private func lines(
        level: Logger.Level = .info, _ body: (Logger) -> Void
    ) throws -> [String] {
        let writer = LogWriter()
        let logger = Logger(label: "app") { LineLogHandler(label: $0, writer: writer) }
        // The manifest is read after the application has made its loggers.
        try writer.apply(Self.log(file.path, level: level))
        body(logger)
        let text = try String(contentsOf: file, encoding: .utf8)
        #expect(text.isEmpty || text.hasSuffix("\n"))
        return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { line in
            line.firstIndex(of: " ").map { String(line[line.index(after: $0)...]) } ?? String(line)
        }
    }

    @Test("a line is time, level, label, message and sorted fields")
    func line() throws {
        #expect(
            try lines { $0.warning("it happened", metadata: ["b": "2", "a": "1"]) } == [
                "warning app: it happened a=1 b=2"
            ])
    }

    @Test("the time is UTC with milliseconds")
    func time() throws {
        let before = Date().addingTimeInterval(-0.002)
        _ = try lines { $0.info("x") }
        let stamp = try #require(try String(contentsOf: file, encoding: .utf8).split(separator: " ").first)
        #expect(stamp.count == 24)
        let time = try Date(
            String(stamp), strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        #expect((before...Date()).contains(time))
    }

    @Test("a logger's metadata is in the line, after the entry's own")
    func metadata() throws {
        let lines = try lines { logger in
            var logger = logger
            logger[metadataKey: "a"] = "logger"
            logger[metadataKey: "b"] = "logger"
            logger.info("x", metadata: ["b": "entry"])
        }
        #expect(lines == ["info app: x a=logger b=entry"])
    }

    @Test("a metadata provider's fields are between the entry's and the logger's")
    func provider() throws {
        let lines = try lines { logger in
            var logger = logger
            logger.handler.metadataProvider = Logger.MetadataProvider {
                ["a": "provider", "b": "provider", "c": "provider"]
            }
            logger[metadataKey: "a"] = "logger"
            logger[metadataKey: "d"] = "logger"
            logger.info("x", metadata: ["b": "entry"])
        }
        #expect(lines == ["info app: x a=provider b=entry c=provider d=logger"])
    }

    @Test("entries below the level are dropped")
    func level() throws {
        let lines = try lines(level: .error) { logger in
            logger.info("no")
            logger.error("yes")
            logger.critical("yes")
        }
        #expect(lines == ["error app: yes", "critical app: yes"])
    }

    @Test(
        "values with spaces or quotes are quoted",
        arguments: [
            ("a", "a"), ("", "\"\""), ("a b", "\"a b\""), ("a\"b", "\"a\\\"b\""), ("a=b", "a=b"), ("ä", "ä"),
            ("{id:int}", "{id:int}"),
        ])
    func quoting(value: String, written: String) throws {
        #expect(try lines { $0.info("x", metadata: ["key": "\(value)"]) } == ["info app: x key=\(written)"])
    }

    @Test("a quoted value cannot end its quotes", arguments: [#"a\" b=1"#, #"\"#, #"a \"#, #"\\" x"#])
    func backslashes(value: String) throws {
        let line = try #require(try lines { $0.info("x", metadata: ["key": "\(value)"]) }.first)
        let written = line.dropFirst("info app: x key=".count)
        guard written.first == "\"" else {
            #expect(String(written) == value)
            return
        }
        // Parsed like any quoted text: a backslash escapes the next character.
        var rest = written.dropFirst()
        var read = ""
        while let character = rest.popFirst(), character != "\"" {
            if character == "\\", let protected = rest.popFirst() {
                read.append(protected)
            } else {
                read.append(character)
            }
        }
        #expect(read == value)
        #expect(rest.isEmpty)
    }

    @Test(
        "an entry is one line whatever it holds",
        arguments: [
            "a\nb", "a\r\nb", "\n", "a\u{b}b\u{c}c", "a\u{0}b", "a\u{1b}[31mred", "a\tb", "a\u{7f}b",
            "a\u{85}b",
            "a\u{2028}b\u{2029}c", "a\u{9b}31m",
        ])
    func oneLine(text: String) throws {
        struct Failure: Error, CustomStringConvertible { let description: String }
        let lines = try lines { logger in
            logger.info("\(text)")
            logger.info("x", metadata: ["key": "\(text)"])
            logger.info("x", metadata: ["key": .array(["\(text)", .dictionary(["in": "\(text)"])])])
            logger.info("x", error: Failure(description: text))
        }
        #expect(lines.count == 4)
        for line in lines {
            #expect(!line.contains { $0.isNewline })
            #expect(!line.unicodeScalars.contains { $0.properties.generalCategory == .control })
        }
    }

    @Test("a key can begin neither a line nor a field of its own", arguments: ["a\nb", "a\u{1b}b", "a b=c"])
    func keys(key: String) throws {
        let lines = try lines { $0.info("x", metadata: [key: "y"]) }
        #expect(lines.count == 1)
        #expect(!lines[0].contains("\u{1b}"))
        #expect(lines[0].split(separator: " ").count == 4)
    }

    @Test("a file that cannot be opened is an error that says what to do")
    func unwritable() throws {
        let error = #expect(throws: (any Error).self) { try writer("/nowhere/at/all.log") }
        let text = "\(try #require(error))"
        #expect(text.contains("open(/nowhere/at/all.log): No such file or directory"))
        #expect(text.contains("log.to"))
        // The fixture's file exists, so that it can be removed.
        #expect(FileManager.default.createFile(atPath: file.path, contents: nil))
    }
}
