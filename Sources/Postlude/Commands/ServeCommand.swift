internal import ArgumentParser
internal import FastCGI
internal import Glibc
internal import Linux
internal import Logging
internal import Manifest

struct ServeCommand<App: Application>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "serve",
            abstract: "Serve requests on the socket of spawn-fcgi or systemd, or on --listen.",
            discussion: """
                SIGTERM and SIGINT stop it: requests in flight are finished and queued tasks run, within the \
                manifest's shutdown-grace. A second signal stops it at once.
                """)
    }

    @OptionGroup var options: ManifestOptions

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Listen here instead: /path/to.sock, host:port or [ipv6]:port.", valueName: "address"))
    var listen: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Show the status on this socket, whatever the manifest says: its path, host:port or [ipv6]:port.",
            valueName: "address"))
    var statusListen: String?

    func run() async throws {
        // Before a worker exists: all that this thread starts inherit the mask.
        let signals = try SignalDescriptor([SIGTERM, SIGINT])
        // Before the application is made, whose loggers may be made with it.
        let writer = LogWriter()
        LoggingSystem.bootstrap { LineLogHandler(label: $0, writer: writer) }
        let application = App()
        let handlers = application.handlers
        var manifest = try options.load(for: handlers)
        if let statusListen { manifest.status = Manifest.Status(listen: statusListen) }
        let status: Int32
        do {
            try writer.apply(manifest.log)
            let served = try ServedApplication(
                application, manifest: manifest, listener: try .opened(at: listen), signals: signals,
                logger: Logger(label: "postlude"))
            status = try await served.runWithServices()
        } catch {
            printError("\(RootCommand<App>.programName): \(error)")
            throw ExitCode.failure
        }
        throw ExitCode(status)
    }
}

extension Listener {
    /// - Parameter address: nil for the socket of spawn-fcgi or systemd.
    static func opened(at address: String?) throws -> Listener {
        try address.map { try .open(SocketAddress(parsing: $0)) } ?? .inherited()
    }
}
