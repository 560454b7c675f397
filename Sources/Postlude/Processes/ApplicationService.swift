public import Logging
internal import PostludeFastCGI
internal import PostludeLogOutput
internal import PostludeManifest
public import ServiceLifecycle

/// An application as a service among others (swift-service-lifecycle), for a program that has its own `main`.
///
/// ```swift
/// let group = ServiceGroup(
///     services: [database, ApplicationService(Shop())], gracefulShutdownSignals: [.sigterm], logger: logger)
/// try await group.run()
/// ```
///
/// It listens on the same socket as the `serve` command, and drains as on SIGTERM when the group shuts down gracefully:
/// requests in flight are answered and queued tasks run, within the manifest's `shutdown-grace`. The group handles
/// signals. The application's own ``Application/services`` are not started: add them to the same group.
public struct ApplicationService<App: Application>: Service {
    private let application: App
    private let manifest: String
    private let listen: String?
    private let logger: Logger

    /// - Parameters:
    ///   - application: the application to serve.
    ///   - manifest: the path of the manifest.
    ///   - listen: `/path/to.sock`, `host:port` or `[ipv6]:port`; nil for the socket of spawn-fcgi or systemd, or else
    ///     the manifest's `listen`.
    ///   - logger: the logger of the server's entries. Handlers and tasks have a logger with the label `application`.
    public init(
        _ application: App, manifest: String = "routes.yaml", listen: String? = nil,
        logger: Logger = Logger(label: "postlude")
    ) {
        self.application = application
        self.manifest = manifest
        self.listen = listen
        self.logger = logger
    }

    /// Serves until the group shuts down.
    ///
    /// - Throws: the mistakes in the manifest or the address, the error of ``Application/start()``, or an error if
    ///   requests or tasks were left unfinished at the end of the grace period.
    public func run() async throws {
        let manifest = try application.registeredHandlers.manifest(at: manifest)
        // The program has its own log. Only the access log is the manifest's.
        let logs = LogWriter()
        try logs.apply(manifest.log, accessOnly: true)
        defer { logs.flush() }
        let served = try ApplicationRunner(
            application, manifest: manifest, listener: try .opened(at: listen, manifest.listen),
            control: ProcessControl(), logger: logger, logs: logs)
        try await served.run()
        guard served.exitStatus == 0 else { throw UnfinishedWork() }
    }
}

/// The error of requests or tasks that were left unfinished at the end of the grace period.
struct UnfinishedWork: Error, CustomStringConvertible {
    var description: String {
        "stopped before everything was finished; the log names the tasks that were left"
    }
}
