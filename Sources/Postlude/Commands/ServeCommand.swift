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

    func run() async throws {
        // Before a worker exists: all that this thread starts inherit the mask.
        let signals = try SignalDescriptor([SIGTERM, SIGINT])
        // Before the application is made, whose loggers may be made with it.
        let writer = LogWriter()
        LoggingSystem.bootstrap { LineLogHandler(label: $0, writer: writer) }
        let application = App()
        let handlers = application.handlers
        let manifest = try options.load(for: handlers)
        let status: Int32
        do {
            try writer.apply(manifest.log)
            let served = try ServedApplication(
                application, manifest: manifest, listener: try .opened(at: listen, manifest.listen),
                signals: signals,
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
    /// - Parameter address: overrides the manifest's, and the socket of spawn-fcgi or systemd, which
    ///   otherwise goes before the manifest's.
    static func opened(at address: String?, _ listen: Manifest.Listen) throws -> Listener {
        if address == nil, let inherited = try Listener.inheritedIfAny() { return inherited }
        guard let address = address ?? listen.address else { throw ListenError.noSocket }
        return try .open(
            SocketAddress(parsing: address),
            ListenOptions(
                owner: listen.owner, group: listen.group, mode: listen.mode, backlog: listen.backlog))
    }
}
