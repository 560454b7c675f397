internal import Logging

/// Passes log entries to a handler of the application, if they are severe enough for the manifest and for the handler.
struct ApplicationLogHandler: LogHandler {
    private var base: any LogHandler
    private let writer: LogWriter
    /// Set to give one logger another level than the manifest's.
    private var ownLevel: Logger.Level?

    init(_ base: any LogHandler, writer: LogWriter) {
        self.base = base
        self.writer = writer
    }

    var logLevel: Logger.Level {
        get { ownLevel ?? max(writer.level, base.logLevel) }
        set {
            ownLevel = newValue
            base.logLevel = newValue
        }
    }

    var metadata: Logger.Metadata {
        get { base.metadata }
        set { base.metadata = newValue }
    }

    var metadataProvider: Logger.MetadataProvider? {
        get { base.metadataProvider }
        set { base.metadataProvider = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) { base.log(event: event) }
}
