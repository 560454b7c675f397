import Logging
import PostludeManifest
import PostludeSystem
import Testing

@testable import PostludeLogOutput

@Suite("ApplicationLogHandler")
struct ApplicationLogHandlerTests {
    private final class Entries: Sendable {
        private let all = Lock<[String]>([])
        var messages: [String] { all.withLock { $0 } }
        func append(_ message: String) { all.withLock { $0.append(message) } }
    }

    private struct OwnHandler: LogHandler {
        let entries: Entries
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]
        var metadataProvider: Logger.MetadataProvider?

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { entries.append("\(event.level) \(event.message) \(metadata)") }
    }

    private let entries = Entries()

    private func logger(_ writer: LogWriter, own: Logger.Level = .trace) -> Logger {
        Logger(label: "app") { label in
            writer.handler(for: label, nil, own: OwnHandler(entries: entries, logLevel: own))
        }
    }

    private static func log(_ level: Logger.Level) -> Manifest.Log {
        var log = Manifest.Log()
        log.level = level
        return log
    }

    @Test("an entry must pass the manifest's level, which may change, and the handler's")
    func levels() throws {
        let writer = LogWriter()
        let (eager, calm) = (logger(writer), logger(writer, own: .error))
        for level in [Logger.Level.warning, .trace] {
            try writer.apply(Self.log(level))
            for logger in [eager, calm] {
                logger.info("a")
                logger.warning("b")
                logger.error("c")
            }
        }
        #expect(
            entries.messages == [
                "warning b [:]", "error c [:]", "error c [:]",
                "info a [:]", "warning b [:]", "error c [:]", "error c [:]",
            ])
    }

    @Test("a logger's own level comes first, and the handler has the logger's metadata")
    func ownLevel() throws {
        let writer = LogWriter()
        try writer.apply(Self.log(.error))
        var logger = logger(writer)
        logger.logLevel = .debug
        logger[metadataKey: "a"] = "b"
        logger.debug("c")
        logger.trace("d")
        #expect(entries.messages == [#"debug c ["a": b]"#])
        #expect(logger.logLevel == .debug && logger[metadataKey: "a"] == "b")
    }

    @Test("standard error gets only a part of the entries once a handler takes the others")
    func standardError() throws {
        let writer = LogWriter()
        #expect(writer.handler(for: "app", nil, own: nil) is LineLogHandler && writer.logsToStandardError)
        _ = logger(writer)
        #expect(!writer.logsToStandardError)
    }
}
