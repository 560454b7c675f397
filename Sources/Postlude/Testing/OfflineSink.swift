internal import HTTPTypes
internal import Logging
internal import PostludeFastCGI
internal import PostludeLogOutput
internal import PostludeSystem
internal import PostludeThreads

/// A sink that collects the response of one request in memory.
struct OfflineSink: ResponseSink {
    /// The response's head as written to the web server (RFC 3875, 6.3).
    private(set) var head: [UInt8] = []
    private(set) var body: [UInt8] = []
    /// The tasks to run; nil if there are none.
    private(set) var tasks: TaskQueue?
    /// The error of the body, if it has failed.
    private(set) var error: (any Error)?

    private let isHead: Bool
    private let files: FileLocation?
    private let executor: WorkerExecutor
    private let logger: Logger
    private let isDelivered: Bool
    private let pieces: Int?
    private let isCancelled: Bool
    private let process: (any OfflineProcess)?
    private let errors: ErrorAnswers

    /// - Parameters: as in `OfflineWorker.respond`.
    init(
        to head: RequestHead, files: FileLocation?, executor: WorkerExecutor, logger: Logger,
        isDelivered: Bool, pieces: Int?, isCancelled: Bool, in process: (any OfflineProcess)? = nil,
        errors: ErrorFormat
    ) {
        isHead = head.string("REQUEST_METHOD") == "HEAD"
        self.files = files
        self.executor = executor
        self.logger = logger
        self.isDelivered = isDelivered
        self.pieces = pieces
        self.isCancelled = isCancelled
        self.process = process
        self.errors = ErrorAnswers(errors, to: head)
    }

    func prepare() -> Bool { true }

    func watchHandler(of request: Request, by route: Router.Route) -> RequestCancellation? {
        guard isCancelled else { return nil }
        let cancellation = RequestCancellation()
        cancellation.cancel()
        return cancellation
    }

    mutating func claimAnswer() -> Answerer {
        guard isCancelled else { return .worker }
        refuse(HTTPError(.gatewayTimeout))
        return .controlThread(isDelivered: isDelivered, after: nil)
    }

    /// Answers with an error, without a handler's response.
    mutating func refuse(_ error: HTTPError) {
        _ = finish(RequestExecution(errors.response(to: error), isHead: isHead))
    }

    func persistTasks(of execution: RequestExecution, retryAfter: Duration) {
        execution.persistTasks(after: 0, retryAfter: retryAfter, logger: logger)
    }

    mutating func finish(_ execution: RequestExecution) -> Bool {
        do {
            try process?.reach("the answer \(execution.response.status.code)")
        } catch {
            self.error = error
            return false
        }
        execution.selectFile(in: files)
        ResponseHead.write(execution.response, into: &head)
        guard !execution.isHead, execution.response.status.allowsBody else { return isDelivered }
        let collected = CollectedBody(pieces: pieces)
        let content = execution.response.body
        let result = execution.perform {
            executor.run { try await collected.collect(content) }
        }
        if case .failure(let failure) = result { error = failure }
        body = collected.bytes
        return isDelivered && !collected.isCutShort
    }

    func giveBackConnection() {}

    func accessRecord(of execution: RequestExecution) -> AccessRecord? { nil }

    mutating func queue(_ tasks: TaskQueue) { self.tasks = tasks }

    func end(_ execution: RequestExecution) {}
}

/// The part of a body that the client has received.
private final class CollectedBody: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var pieces = 0
        var isCutShort = false
    }

    private struct ClientGone: Error {}

    private let limit: Int?
    private let state = Lock(State())

    init(pieces limit: Int?) { self.limit = limit }

    var bytes: [UInt8] { state.withLock { $0.bytes } }
    var isCutShort: Bool { state.withLock { $0.isCutShort } }

    func collect(_ body: ResponseBody) async throws {
        guard let limit, case .stream(let stream) = body else {
            let whole = try await body.collect()
            return state.withLock { $0.bytes = whole }
        }
        do {
            try await stream.run { piece in
                try self.state.withLock { state in
                    guard state.pieces < limit else {
                        state.isCutShort = true
                        throw ClientGone()
                    }
                    state.bytes += piece
                    state.pieces += 1
                }
            }
        } catch is ClientGone {
            return
        }
    }
}
