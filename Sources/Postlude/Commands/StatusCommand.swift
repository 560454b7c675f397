internal import ArgumentParser
internal import FoundationEssentials
internal import Glibc
internal import PostludeFastCGI
internal import PostludeManifest

struct StatusCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "status", abstract: "Show what a running server is at.",
            discussion: """
                It asks the status socket, which answers also while every worker is busy: the one of the \
                manifest's `status`, or --socket.
                """)
    }

    @OptionGroup var options: ManifestOptions

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The status socket, without a look at the manifest: its path, host:port or [ipv6]:port.",
            valueName: "address"))
    var socket: String?

    @Flag(name: .long, help: "Print the report as JSON.")
    var json = false

    @Flag(name: .long, help: "Show it again each second, until Ctrl-C.")
    var watch = false

    @Flag(name: .long, help: "Only ask whether the server answers: prints pong, and the exit status is 0.")
    var ping = false

    func validate() throws {
        if [json, watch, ping].count(where: \.self) > 1 {
            throw ValidationError("Give one of --json, --watch and --ping.")
        }
    }

    func run() throws {
        do {
            let client = FastCGIClient(try address())
            if ping { return try printOutput(text(try client.get("/ping"))) }
            if json { return try printOutput(text(try client.get("/status.json"))) }
            guard watch else { return try printOutput(try table(from: client)) }
            while true {
                try show(watching: client)
                sleep(1)
            }
        } catch let exit as ExitCode {
            throw exit
        } catch {
            printError("\(programName): \(error)")
            throw ExitCode.failure
        }
    }

    private func address() throws -> SocketAddress {
        if let socket { return try SocketAddress(parsing: socket) }
        guard let status = try options.load(for: App().registeredHandlers).status else {
            printError(
                """
                \(programName): \(options.manifest) has no status socket; give it one, \
                such as `status: { listen: /run/app-status.sock }`, or say --socket
                """)
            throw ExitCode.failure
        }
        return try SocketAddress(parsing: status.listen)
    }

    private func table(from client: FastCGIClient) throws -> StatusTable {
        let body = try client.get("/status.json")
        return StatusTable(try JSONDecoder().decode(StatusReport.self, from: Data(body)))
    }

    /// A server that is away for a moment may come back.
    private func show(watching client: FastCGIClient) throws {
        var page: String
        do {
            page = "\(try table(from: client))"
        } catch {
            page = "\(error)"
        }
        // Clears the screen, if there is one. What does not fit would scroll the summary away.
        if let window = TerminalText.window {
            page = "\u{1b}[H\u{1b}[2J" + TerminalText.fit(page, into: window)
        }
        try printOutput(page)
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
