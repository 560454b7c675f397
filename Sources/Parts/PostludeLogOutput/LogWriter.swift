package import Logging
package import PostludeManifest
internal import PostludeSystem
internal import Synchronization

/// Writes log entries and the lines of the access log to their destinations.
///
/// It initially writes to standard error, so that an application can log before its manifest has been read.
package final class LogWriter: Sendable {
    /// The paths of the sockets of this machine's daemons.
    struct Sockets {
        var syslog = SyslogSink.usualPath
        var journald = JournaldSink.usualPath
    }

    private struct State {
        var log = Manifest.Log()
        var sinks: [Manifest.Log.Destination: any LogSink]
        var sink: any LogSink
        var access: AccessLog?
        /// The settings of a log that could not be opened. They are applied again when the logs are reopened.
        var postponed: Manifest.Log?
    }

    private let levelIndex = Atomic<Int>(LogWriter.index(of: .info))
    private let hasAccessLog = Atomic<Bool>(false)
    private let hasOtherHandlers = Atomic<Bool>(false)
    private let state: Lock<State>
    private let program: String
    private let sockets: Sockets

    /// - Parameter program: the name of the process in syslog and journald.
    package convenience init(program: String = "postlude") {
        self.init(program: program, sockets: Sockets())
    }

    init(program: String = "postlude", sockets: Sockets) {
        self.program = program
        self.sockets = sockets
        let sink = DescriptorSink()
        state = Lock(State(sinks: [.standardError: sink], sink: sink))
    }

    /// Makes this writer the destination of all loggers of the process. Called once.
    ///
    /// - Parameters:
    ///   - metadata: provides the metadata of the current request or task for each entry.
    ///   - handler: returns the application's own handler for a logger's label, or `nil`.
    package func takeLogs(
        with metadata: Logger.MetadataProvider,
        handler: @escaping @Sendable (_ label: String, Logger.MetadataProvider?) -> (any LogHandler)?
    ) {
        LoggingSystem.bootstrap(
            { self.handler(for: $0, $1, own: handler($0, $1)) }, metadataProvider: metadata)
    }

    func handler(
        for label: String, _ provider: Logger.MetadataProvider?, own: (any LogHandler)?
    ) -> any LogHandler {
        guard let own else { return LineLogHandler(label: label, writer: self, metadataProvider: provider) }
        hasOtherHandlers.store(true, ordering: .relaxed)
        return ApplicationLogHandler(own, writer: self)
    }

    /// The lowest level of entries that are written, unless their logger has its own level.
    var level: Logger.Level { Logger.Level.allCases[levelIndex.load(ordering: .relaxed)] }

    /// The access log; `nil` if requests are not logged.
    package var access: AccessLog? {
        guard hasAccessLog.load(ordering: .acquiring) else { return nil }
        return state.withLock { $0.access }
    }

    /// Applies the manifest's settings. If it throws, nothing has changed.
    ///
    /// - Parameter accessOnly: whether only the access log goes to the manifest's destination, because the program has its own
    ///   log.
    package func apply(_ log: Manifest.Log, accessOnly: Bool = false) throws {
        let old = state.withLock { $0.sinks }
        var sinks: [Manifest.Log.Destination: any LogSink] = [:]
        func sink(_ destination: Manifest.Log.Destination) throws -> any LogSink {
            if let sink = sinks[destination] ?? old[destination] {
                sinks[destination] = sink
                return sink
            }
            let sink = try open(destination)
            sinks[destination] = sink
            return sink
        }
        let main = try sink(accessOnly ? .standardError : log.destination)
        let access = try log.access.map {
            AccessLog(try AccessLog.Format($0.format), to: try sink($0.destination))
        }
        levelIndex.store(Self.index(of: log.level), ordering: .relaxed)
        state.withLock { [sinks] state in
            state.log = log
            state.sinks = sinks
            state.sink = main
            state.access = access
            state.postponed = nil
        }
        hasAccessLog.store(access != nil, ordering: .releasing)
    }

    /// Applies the manifest's settings, and can postpone them if a log cannot be opened. The previous destinations, initially
    /// standard error without an access log, are used until ``reopen(telling:)`` has opened the log.
    ///
    /// - Parameter mayPostpone: whether the settings are postponed if a log cannot be opened; otherwise it throws.
    package func apply(_ log: Manifest.Log, orLater mayPostpone: Bool, logger: Logger) throws {
        do {
            try apply(log)
        } catch {
            guard mayPostpone else { throw error }
            let current = state.withLock { state in
                state.postponed = log
                return state.sink.name
            }
            logger.error(
                "a log cannot be opened; the log settings stay as they are until the logs are reopened",
                metadata: ["error": "\(error)", "log": "\(current)"])
        }
    }

    /// Whether all log entries go to standard error.
    package var logsToStandardError: Bool {
        !hasOtherHandlers.load(ordering: .relaxed) && state.withLock { $0.log.destination == .standardError }
    }

    func write(_ entry: LogEntry) { state.withLock { $0.sink }.write(entry) }

    /// Reopens the files after log rotation. A file that cannot be opened is not replaced.
    package func reopen(logger: Logger) {
        if let log = state.withLock({ $0.postponed }) {
            do {
                try apply(log)
            } catch {
                logger.error("a log could not be reopened", metadata: ["error": "\(error)"])
            }
        }
        for sink in sinks {
            do throws(SystemError) {
                try sink.reopen()
            } catch {
                logger.error("a log could not be reopened", metadata: ["error": "\(error)"])
            }
        }
        logger.info("logs were reopened")
    }

    /// Writes lines that wait for a slow reader, and logs how many lines were lost. Called at intervals.
    package func flushAndReportLosses(to logger: Logger) {
        let main = state.withLock { $0.sink }
        for sink in sinks {
            // The call waits up to 20 ms, in which a reader that has resumed can take more than fits in a pipe.
            sink.flush(within: 20)
            // The warning would be lost, too, if the log itself is failing.
            guard !main.losses.isFailing, let (count, errno) = sink.losses.take() else { continue }
            logger.warning(
                "log lines were lost",
                metadata: [
                    "log": "\(sink.name)", "count": "\(count)",
                    "reason": "\(SystemError("write", errno: errno))",
                ])
        }
    }

    /// Writes the remaining lines at the end of the process, and waits for slow readers, half a second for each destination.
    package func flush() {
        for sink in sinks { sink.flush(within: 500) }
    }

    private var sinks: [any LogSink] { state.withLock { Array($0.sinks.values) } }

    private func open(_ destination: Manifest.Log.Destination) throws -> any LogSink {
        switch destination {
        case .standardError: DescriptorSink()
        case .file(let path): try DescriptorSink(path: path)
        case .syslog: try SyslogSink(path: sockets.syslog, program: program)
        case .journald: try JournaldSink(path: sockets.journald, program: program)
        }
    }

    private static func index(of level: Logger.Level) -> Int {
        Logger.Level.allCases.firstIndex(of: level) ?? 0
    }
}
