import Logging
import PostludeFastCGI
import PostludeLogOutput
import PostludeManifest
import PostludeScoreboard
import PostludeSystem

@testable import Postlude

/// A server with some handlers, on a free port of this machine.
struct ServerFixture: Sendable {
    let manifest: Manifest
    let handlers: [Handler]
    var hooks = ApplicationHooks()
    var process: ProcessSlot?
    let log = RecordedLog()
    let listener: Listener
    let wakeup: ControlWakeup

    /// - Parameters:
    ///   - yaml: the manifest.
    ///   - middleware: the names of middleware that its routes may use.
    init(_ yaml: String, _ handlers: [Handler], middleware: [String] = []) throws {
        manifest = try Manifest.parse(
            yaml, file: "routes.yaml", handlers: handlers.map(\.name), middleware: middleware,
            environment: [:])
        self.handlers = handlers
        listener = try Listener.open(SocketAddress(parsing: "127.0.0.1:0"))
        wakeup = try ControlWakeup()
    }

    /// Opens a connection to it.
    func connect() throws -> WebServerConnection { try WebServerConnection(to: listener.address) }

    /// The context that its threads share, without the threads.
    func context(control: ProcessControl = ProcessControl()) throws -> ServerContext {
        try ServerContext(
            manifest: manifest, handlers: byName, hooks: hooks, listener: listener, control: control,
            wakeup: wakeup, logger: log.logger, logs: LogWriter(), process: process)
    }

    func generation(_ number: Int = 1) throws -> Generation {
        try Generation(
            manifest, number: number, handlers: byName, hooks: hooks, registry: TaskRegistry(),
            logger: log.logger, observability: Observability(logger: log.logger))
    }

    /// Serves while `body` runs on a thread of its own, and then stops.
    ///
    /// - Returns: the exit status.
    @discardableResult
    func serve(_ body: @escaping @Sendable () throws -> Void) async throws -> Int32 {
        let server = Server(
            manifest: manifest, handlers: byName, hooks: hooks, logger: log.logger, logs: LogWriter(),
            process: process)
        async let status = server.run(on: listener, control: ProcessControl(), wakeup: wakeup)
        let result: Result<Void, any Error>
        do {
            result = .success(try await onThread(body))
        } catch {
            result = .failure(error)
        }
        wakeup.requestStop()
        let ended = try await status
        try result.get()
        return ended
    }

    private var byName: [String: Handler] {
        Dictionary(uniqueKeysWithValues: handlers.map { ($0.name, $0) })
    }
}
