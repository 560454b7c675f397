internal import HTTPTypes
internal import Logging
internal import PostludeFastCGI
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeSystem
internal import PostludeThreads
internal import Synchronization

/// Writes one worker's responses, one after another.
final class ResponseWriter {
    /// The extent to which a response was written.
    enum Outcome {
        case whole
        /// The head, and what comes with it. The response stays open, and is continued without the worker.
        case open
        /// The web server has not accepted all of it.
        case undelivered
        /// The body failed, or the client has gone. The connection is broken off, so that the response does not look
        /// complete.
        case broken
    }

    private let server: ServerContext
    private let fcgx: FCGXRequest
    private let deadline: WriteDeadline
    private let executor: WorkerExecutor
    /// The generation whose limits apply to the current response.
    private var generation: Generation
    private var head: [UInt8] = []
    /// The worker's number from the thread's name, such as `worker 7`.
    private let workerNumber = Int(threadName.drop { !$0.isNumber }) ?? 0

    /// Creates the writer of the calling worker; called on the worker's thread.
    init(_ server: ServerContext, executor: WorkerExecutor, deadline: WriteDeadline) throws {
        self.server = server
        self.executor = executor
        self.deadline = deadline
        generation = server.generations.current
        fcgx = try FCGXRequest()
    }

    /// The time limit for writing a body in memory, or one piece of another body.
    private var time: Duration { generation.settings.limits.writeTime }

    /// Uses the limits of another generation from now on.
    func adopt(_ other: Generation) { generation = other }

    // MARK: A response

    func openResponse(to head: RequestHead, on connection: Connection) throws(SystemError) {
        try fcgx.begin(head.requestID, on: connection.descriptor)
    }

    /// Ends the response.
    ///
    /// - Returns: whether the connection's descriptor is still open. libfcgi closes it after a write error.
    func finishResponse(_ outcome: Outcome) -> Bool {
        switch outcome {
        case .broken: return fcgx.breakOff()
        case .open:
            fcgx.abandon()
            return true
        case .whole, .undelivered: return fcgx.finish()
        }
    }

    /// Abandons the response without writing, because the control thread has answered.
    func abandonResponse() { fcgx.abandon() }

    /// Returns the access log's record of the response that was finished last.
    func accessRecord(_ head: RequestHead, _ execution: RequestExecution, since start: MonotonicTime)
        -> AccessRecord
    {
        let bytes = fcgx.bytesWritten
        return AccessRecord(
            head, request: execution.request, status: execution.response.status.code,
            bodyBytes: max(0, bytes - self.head.count), bytes: bytes, since: start, worker: workerNumber)
    }

    /// Writes the whole response, except for its end (`finishResponse`).
    func write(_ execution: RequestExecution, on connection: Connection) -> Outcome {
        if connection.isResumed { return resume(execution, on: connection) }
        execution.selectFile(in: generation.files)
        let response = execution.response
        ResponseHead.write(response, into: &head)
        let hasBody = !execution.isHead && response.status.allowsBody
        // The head of a streamed response is written with its first piece.
        if hasBody, case .stream(let body) = response.body {
            if let subscription = body.subscription { return open(subscription, on: connection) }
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

    /// Writes the response to an error that occurred before anything was written.
    private func write(_ response: Response, on connection: Connection) -> Outcome {
        ResponseHead.write(response, into: &head)
        guard head.withUnsafeBytes({ fcgx.write($0) }) else { return .undelivered }
        return write(response.body.bytes ?? [], on: connection) ? .whole : .undelivered
    }

    private func write(_ bytes: [UInt8], on connection: Connection) -> Bool {
        bytes.withUnsafeBytes { body in
            // A body that fits into libfcgi's buffer is sent with END_REQUEST in one write, which SO_SNDTIMEO bounds.
            guard body.count > 4096 else { return fcgx.write(body) }
            deadline.start(connection.descriptor, within: time)
            // Stopped before finish: after a write error libfcgi closes the descriptor, and its number may be reused.
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

    private func log(_ error: any Error, in execution: RequestExecution) {
        server.logger.error(
            "a response could not be completed",
            metadata: [
                "request": "\(execution.request?.id ?? "")", "route": "\(execution.request?.route ?? "")",
                "error": "\(LoggedError.text(error))",
            ])
    }
}

/// Streamed bodies.
extension ResponseWriter {
    /// Continues a response that another process has begun. If the answer is no stream any more, the response ends: the client
    /// connects again, and gets the answer.
    private func resume(_ execution: RequestExecution, on connection: Connection) -> Outcome {
        head.removeAll()
        guard execution.staysOpen, case .stream(let body) = execution.response.body,
            let subscription = body.subscription
        else { return .whole }
        return open(subscription, on: connection)
    }

    /// Writes the head of a response that stays open.
    private func open(_ subscription: EventSubscription, on connection: Connection) -> Outcome {
        deadline.start(connection.descriptor, within: time)
        defer { deadline.stop() }
        let isDelivered =
            head.withUnsafeBytes { fcgx.write($0) }
            && subscription.opening.withUnsafeBytes { fcgx.write($0) } && fcgx.flush()
        guard isDelivered else { return .undelivered }
        return connection.canPark ? .open : .whole
    }

    /// Writes the elements of the body's sequence, on this worker's thread, until it ends or the client has gone.
    private func write(_ body: StreamBody, of execution: RequestExecution, on connection: Connection)
        -> Outcome
    {
        let pieces = PieceWriter(fcgx, deadline: deadline, time: time, on: connection, head: head)
        if let opening = body.opening, !pieces.write(opening) { return .undelivered }
        let hasHungUp = HangUpMark()
        var watch: HangUpWatch?
        var place: Int?
        let result = execution.perform {
            executor.run {
                try await body.run { piece in
                    guard pieces.write(piece) else { throw PieceNotDelivered() }
                }
            } started: { cancel in
                watch = server.poller.watchHangUp(of: connection) {
                    hasHungUp.isSet.store(true, ordering: .releasing)
                    Cancellation.request(cancel)
                }
                if body.endsAtShutdown { place = server.streams.add(cancel) }
            }
        }
        watch?.end()
        if let place { server.streams.remove(place) }
        if !pieces.isDelivered { return .undelivered }
        if hasHungUp.isSet.load(ordering: .acquiring) { return .broken }
        switch result {
        case .success: return pieces.end() ? .whole : .undelivered
        case .failure(let error):
            // An event stream has no end of its own: one that is cancelled at shutdown is complete.
            if place != nil, server.streams.isEnding, error is CancellationError { return .whole }
            return answer(to: error, in: execution, pieces, on: connection)
        }
    }

    /// Ends a response whose body has failed: with 500 if nothing was written, otherwise by breaking the connection off.
    private func answer(
        to error: any Error, in execution: RequestExecution, _ pieces: PieceWriter, on connection: Connection
    ) -> Outcome {
        log(error, in: execution)
        execution.fail(error)
        guard !pieces.hasBegun, let request = execution.request else { return .broken }
        execution.response = request.storage.errors.internalServerError(requestID: request.id)
        return write(execution.response, on: connection)
    }
}

/// A flag, set by the thread that finds that the web server has closed the connection.
private final class HangUpMark: Sendable {
    let isSet = Atomic<Bool>(false)
}

/// The error that ends the iteration over a body's sequence. `PieceWriter.isDelivered` is false then.
private struct PieceNotDelivered: Error {}

/// Writes the pieces of one response, each immediately and within its own time limit.
// Unchecked: the tasks that write run on the worker's executor, which is one thread, and do not await while they do.
private final class PieceWriter: @unchecked Sendable {
    private let fcgx: FCGXRequest
    private let deadline: WriteDeadline
    private let time: Duration
    private let descriptor: Int32
    private let head: [UInt8]
    private(set) var hasBegun = false
    /// Whether the web server has accepted everything so far.
    private(set) var isDelivered = true

    init(
        _ fcgx: FCGXRequest, deadline: WriteDeadline, time: Duration, on connection: Connection, head: [UInt8]
    ) {
        self.fcgx = fcgx
        self.deadline = deadline
        self.time = time
        self.head = head
        descriptor = connection.descriptor
    }

    /// Writes a piece, after the head if it is the first one.
    ///
    /// - Returns: false if the web server has closed the connection, or has not taken the piece in time.
    func write(_ piece: [UInt8]) -> Bool {
        guard isDelivered else { return false }
        deadline.start(descriptor, within: time)
        defer { deadline.stop() }
        isDelivered = writeHead() && piece.withUnsafeBytes { fcgx.write($0) } && fcgx.flush()
        return isDelivered
    }

    /// Ends the response: writes the head if there were no pieces.
    ///
    /// - Returns: false if the web server has closed the connection.
    func end() -> Bool { writeHead() }

    private func writeHead() -> Bool {
        defer { hasBegun = true }
        return hasBegun || head.withUnsafeBytes { fcgx.write($0) }
    }
}
