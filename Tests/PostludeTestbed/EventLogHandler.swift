import Logging

/// A log handler of the application's own: `label level message request` for each entry.
struct EventLogHandler: LogHandler {
    let label: String
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) {
            $1
        }
        EventLog.write(
            "\(label) \(event.level) \(event.message) \(fields["request"].map { "\($0)" } ?? "-")",
            to: "own-handler.log")
    }
}
