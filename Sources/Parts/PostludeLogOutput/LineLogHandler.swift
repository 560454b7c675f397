internal import Logging

/// Passes log entries to the writer, with the metadata of the logger, the provider and the entry.
struct LineLogHandler: LogHandler {
    let label: String
    let writer: LogWriter
    /// A level for this logger that overrides the manifest's.
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
        // As in swift-log's own handlers, the provider overrides the logger, and the entry overrides both.
        let metadata = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }
            .merging(event.metadata ?? [:]) { $1 }
        var fields = metadata.sorted { $0.key < $1.key }.map { (key: $0.key, value: "\($0.value)") }
        if let error = event.error { fields.append((key: "error", value: "\(error)")) }
        writer.write(
            LogEntry(
                level: event.level, label: label, message: "\(event.message)", fields: fields,
                file: event.file, function: event.function, line: event.line))
    }
}

/// Passes log entries to a handler of the application, if they are severe enough for the manifest and for the handler.
struct ApplicationLogHandler: LogHandler {
    private var base: any LogHandler
    private let writer: LogWriter
    /// A level for this logger that overrides the manifest's.
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
