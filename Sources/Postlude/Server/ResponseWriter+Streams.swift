internal import PostludeFastCGI
internal import PostludeSystem
internal import PostludeThreads
internal import Synchronization

/// Bodies that come in pieces.
extension ResponseWriter {
    /// Writes what the body's sequence brings, on this worker's thread, until it ends or the client has gone.
    func write(_ body: StreamBody, of execution: RequestExecution, on connection: Connection) -> Outcome {
        let pieces = PieceWriter(fcgx, deadline: deadline, time: time, on: connection, head: head)
        if let opening = body.opening, !pieces.write(opening) { return .undelivered }
        let hasHungUp = HangUpMark()
        var watch: HangUpWatch?
        var place: Int?
        let result = execution.perform {
            executor.run {
                try await body.run { piece in
                    guard pieces.write(piece) else { throw PieceNotTaken() }
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
            // An event stream has no end of its own; this one is as good as any.
            if place != nil, server.streams.isEnding, error is CancellationError { return .whole }
            return answer(to: error, in: execution, pieces, on: connection)
        }
    }

    /// The body has failed in the middle.
    private func answer(
        to error: any Error, in execution: RequestExecution, _ pieces: PieceWriter, on connection: Connection
    ) -> Outcome {
        log(error, in: execution)
        execution.fail(error)
        guard !pieces.hasBegun, let request = execution.request else { return .broken }
        execution.response = .internalServerError(requestID: request.id)
        return write(execution.response, on: connection)
    }
}

/// Set by the thread that learns that the web server has closed the connection.
private final class HangUpMark: Sendable {
    let isSet = Atomic<Bool>(false)
}

/// Ends the loop over a sequence. Why, the `PieceWriter` knows.
private struct PieceNotTaken: Error {}

/// Writes the pieces of one response, each at once and within a time of its own.
// Unchecked: the tasks that write run on the worker's executor, which is one thread, and do not await while they do.
private final class PieceWriter: @unchecked Sendable {
    private let fcgx: FCGXRequest
    private let deadline: WriteDeadline
    private let time: Duration
    private let descriptor: Int32
    private let head: [UInt8]
    private(set) var hasBegun = false
    /// Whether the web server has taken everything so far.
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

    /// - Returns: false when the web server takes no more.
    func write(_ piece: [UInt8]) -> Bool {
        guard isDelivered else { return false }
        deadline.start(descriptor, within: time)
        defer { deadline.stop() }
        isDelivered = writeHead() && piece.withUnsafeBytes { fcgx.write($0) } && fcgx.flush()
        return isDelivered
    }

    /// There are no more pieces, and there may have been none.
    func end() -> Bool { writeHead() }

    private func writeHead() -> Bool {
        defer { hasBegun = true }
        return hasBegun || head.withUnsafeBytes { fcgx.write($0) }
    }
}
