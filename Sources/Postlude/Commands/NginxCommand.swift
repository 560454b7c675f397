internal import ArgumentParser
internal import FoundationEssentials
internal import PostludeManifest
internal import PostludeNginxSite

struct NginxCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "nginx", abstract: "Print an nginx site for the manifest.",
            discussion: """
                It belongs in nginx's http block, like the files in /etc/nginx/sites-enabled: locations, body \
                limits, timeouts longer than the manifest's, and kept connections. A route with a larger \
                body or more time than the others gets a location of its own.
                """)
    }

    @OptionGroup var options: ManifestOptions

    @Option(
        name: .long,
        help: ArgumentHelp(
            "A name that the site serves; can be repeated. Without it, every name.", valueName: "name"))
    var serverName: [String] = []

    @Option(name: .long, help: "The port on which nginx listens.")
    var port: UInt16 = 80

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The address on which nginx listens, instead of the port, such as 127.0.0.1:8080; can be repeated.",
            valueName: "address"))
    var listen: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The application's address, instead of the manifest's `listen`.", valueName: "address"))
    var socket: String?

    @Option(name: .long, help: "The FastCGI parameters: inline, or file, which includes postlude_params.")
    var params: NginxSite.Parameters = .inline

    func validate() throws {
        for value in listen where !Self.isListenValue(value) {
            throw ValidationError(
                "--listen \(value): expected a value for nginx's listen, such as 127.0.0.1:8080")
        }
        if let socket, !AddressText.isAddress(socket) {
            throw ValidationError("--socket \(socket): expected \(AddressText.expectation)")
        }
    }

    func run() throws {
        let manifest = try options.load(for: App().registeredHandlers)
        guard let socket = socket ?? manifest.listen.address else {
            printError(
                "\(options.manifest): no `listen` with an address; give the application's address with --socket"
            )
            throw ExitCode.failure
        }
        let folder = FileManager.default.currentDirectoryPath
        try printOutput(
            NginxSite(
                manifest: manifest, source: options.manifest, program: RootCommand<App>.programName,
                socket: NginxText.upstream(socket, in: folder),
                statusSocket: manifest.status.map { NginxText.upstream($0.listen, in: folder) },
                listen: listen.isEmpty ? ["\(port)", "[::]:\(port)"] : listen,
                serverNames: serverName.isEmpty ? ["_"] : serverName, parameters: params))
    }

    /// Whether a text is an address with options such as `443 ssl`, and cannot end the directive.
    private static func isListenValue(_ text: String) -> Bool {
        !text.isEmpty
            && text.unicodeScalars.allSatisfy {
                $0.isASCII
                    && ($0.properties.isAlphabetic || "0123456789.:[]/_-=* ".unicodeScalars.contains($0))
            }
    }
}

extension NginxSite.Parameters: ExpressibleByArgument {}
