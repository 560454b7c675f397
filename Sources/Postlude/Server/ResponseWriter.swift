internal import HTTPTypes
internal import Logging
internal import PostludeFastCGI
internal import PostludeManifest
internal import PostludeThreads

/// Writes one worker's responses, one after another.
final class ResponseWriter {
    /// How far a response came.
    enum Outcome {
        case whole
        /// The web server takes no more.
        case undelivered
        /// There is no more to write, or nobody to read it: the connection must not look as if the response were whole.
        case broken
    }

    let fcgx: FCGXRequest
    let deadline: WriteDeadline
    /// For a body in memory, or for a piece of another one.
    private(set) var time: Duration
    let executor: WorkerExecutor
    let poller: Poller
    let streams: OpenStreams
    private var files: FileLocation?
    private let logger: Logger
    private(set) var head: [UInt8] = []

    init(_ fcgx: FCGXRequest, _ server: ServerContext, executor: WorkerExecutor, deadline: WriteDeadline) {
        self.fcgx = fcgx
        self.deadline = deadline
        self.executor = executor
        time = server.settings.limits.writeTime
        poller = server.poller
        streams = server.streams
        files = server.files
        logger = server.logger
    }

    /// Writes by another manifest from now on.
    func use(_ generation: Generation) {
        time = generation.settings.limits.writeTime
        files = generation.files
    }

    /// Writes everything before finish. A file's response becomes what the request asks for (`Response.selected`).
    func write(_ execution: RequestExecution, on connection: Connection) -> Outcome {
        if case .file = execution.response.body, let request = execution.request {
            execution.response = execution.response.selected(for: request, in: files)
        }
        let response = execution.response
        ResponseHead.write(response, into: &head)
        let hasBody = !execution.isHead && response.status.allowsBody
        // A stream's head waits for its first piece.
        if hasBody, case .stream(let body) = response.body {
            return write(body, of: execution, on: connection)
        }
        guard head.withUnsafeBytes({ fcgx.write($0) }) else { return .undelivered }
        guard hasBody else { return .whole }
        switch response.body {
        case .bytes(let bytes): return write(bytes, on: connection) ? .whole : .undelivered
        case .file(let file): return write(file, of: execution, on: connection)
        case .stream: return .whole
        }
    }

    /// The answer to what went wrong before anything was written.
    func write(_ response: Response, on connection: Connection) -> Outcome {
        ResponseHead.write(response, into: &head)
        guard head.withUnsafeBytes({ fcgx.write($0) }) else { return .undelivered }
        return write(response.body.bytes ?? [], on: connection) ? .whole : .undelivered
    }

    private func write(_ bytes: [UInt8], on connection: Connection) -> Bool {
        bytes.withUnsafeBytes { body in
            // What fits libfcgi's buffer goes out with END_REQUEST in one write, which SO_SNDTIMEO bounds.
            guard body.count > 4096 else { return fcgx.write(body) }
            deadline.start(connection.descriptor, within: time)
            // Before finish: after a write error libfcgi closes the descriptor, and the number may be reused.
            defer { deadline.stop() }
            return fcgx.write(body) && fcgx.flush()
        }
    }

    private func write(_ file: FileBody, of execution: RequestExecution, on connection: Connection) -> Outcome
    {
        do {
            let isDelivered = try withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 8) { buffer in
                try file.read(through: buffer) { piece in
                    deadline.start(connection.descriptor, within: time)
                    defer { deadline.stop() }
                    return fcgx.write(piece)
                }
            }
            return isDelivered ? .whole : .undelivered
        } catch {
            log(error, in: execution)
            return .broken
        }
    }

    func log(_ error: any Error, in execution: RequestExecution) {
        logger.error(
            "a response could not be completed",
            metadata: [
                "request": "\(execution.request?.id ?? "")", "route": "\(execution.request?.route ?? "")",
                "error": "\(LoggedError.text(error))",
            ])
    }
}
