internal import Logging
internal import PostludeFastCGI
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeScoreboard
internal import PostludeSystem

/// Answers one request on the connection on which it arrived.
struct ConnectionSink: ResponseSink {
    private let head: RequestHead
    private let connection: Connection
    private let server: ServerContext
    private let writer: ResponseWriter
    private let watch: HandlerWatch
    private let tasks: WorkerTasks
    /// Shows what the worker is doing; nil if there is no status page.
    private let score: WorkerSlot?
    private let accessLog: AccessLog?
    /// When the request was complete; zero without an access log, so that the clock is not read for it.
    private let start: MonotonicTime
    /// The handler's call, watched by the control thread; nil if the route has no time limits.
    private var invocation: HandlerInvocation?
    private var keepsConnection = false
    private var isOpen = true
    /// Whether a place for an event stream is reserved.
    private var hasStreamPlace = false
    /// The response, if it stays open without the worker.
    private var parked: ParkedResponse?

    init(
        to head: RequestHead, on connection: Connection, server: ServerContext, writer: ResponseWriter,
        watch: HandlerWatch, tasks: WorkerTasks, score: WorkerSlot?
    ) {
        self.head = head
        self.connection = connection
        self.server = server
        self.writer = writer
        self.watch = watch
        self.tasks = tasks
        self.score = score
        accessLog = server.logs.access
        start = accessLog == nil ? MonotonicTime(nanoseconds: 0) : .now
    }

    func prepare() -> Bool {
        do {
            try writer.openResponse(to: head, on: connection)
            return true
        } catch {
            server.logger.error(
                "libfcgi did not accept a request; its connection is closed", metadata: ["error": "\(error)"])
            server.poller.giveBack(connection, keep: false, isOpen: true)
            return false
        }
    }

    mutating func watchHandler(of request: Request, by route: Router.Route) -> RequestCancellation? {
        score?.handle(route: route.pattern, handler: route.handler.name)
        guard route.limits.hasDeadline else { return nil }
        let invocation = HandlerInvocation(
            of: request, on: connection, route: route, readsConnection: connection.streamsBody)
        self.invocation = invocation
        watch.handlerStarted(invocation)
        return invocation.cancellation
    }

    func claimAnswer() -> Answerer {
        guard let invocation else { return .worker }
        watch.handlerReturned()
        let answerer = invocation.claimAnswer()
        if case .controlThread = answerer {
            writer.abandonResponse()
            score?.drop(after: invocation.answeredAfter)
            if invocation.readsConnection {
                server.poller.giveBack(connection, keep: false, isOpen: true)
            }
        }
        return answerer
    }

    mutating func persistTasks(of execution: RequestExecution, retryAfter: Duration) {
        if execution.staysOpen { reserveStream(for: execution, retryAfter) }
        if execution.isReplay { server.process?.count(.repeated) }
        // The closure around the number has the tasks alone, and no copy of this value.
        let tasks = tasks
        let fullQueue = execution.persistTasks(
            after: tasks.queuedCount, retryAfter: retryAfter, logger: server.logger)
        switch fullQueue {
        case nil: break
        case .run: server.fullQueues.count("its tasks run all the same")
        case .refuse:
            server.process?.count(.refused)
            server.fullQueues.count("requests were answered 503")
        case .leave: server.fullQueues.count("durable tasks are left to other workers")
        }
    }

    /// Reserves a place for an event stream, or refuses the request.
    private mutating func reserveStream(for execution: RequestExecution, _ retryAfter: Duration) {
        do {
            hasStreamPlace = try server.eventStreams.reserve(atMost: server.settings.limits.eventStreams)
        } catch {
            server.ends.count("\(error)")
        }
        guard !hasStreamPlace else { return }
        server.process?.count(.refused)
        execution.refuseStream(retryAfter: retryAfter)
    }

    mutating func finish(_ execution: RequestExecution) -> Bool {
        score?.set(.writing, at: .now)
        let outcome = writer.write(execution, on: connection)
        isOpen = writer.finishResponse(outcome)
        if hasStreamPlace { park(execution, after: outcome) }
        keepsConnection = head.keepsConnection && outcome != .broken
        let duration = score?.finish(execution.answer, at: .now)
        execution.duration = duration
        // All others are measured by their `RequestObservation`.
        if execution.request == nil, let duration {
            server.observability.requests?.record(
                duration, of: head, route: execution.route?.name ?? "", status: execution.answer.status)
        }
        return (outcome == .whole || outcome == .open) && isOpen
    }

    /// Makes the response that stays open, or releases the place that was reserved for it.
    private mutating func park(_ execution: RequestExecution, after outcome: ResponseWriter.Outcome) {
        guard outcome == .open, case .stream(let body) = execution.response.body,
            let subscription = body.subscription
        else { return server.eventStreams.release() }
        parked = ParkedResponse(
            to: head, on: connection, from: subscription.events, after: subscription.position,
            keepAlive: subscription.keepAlive, writeTime: server.settings.limits.writeTime)
    }

    func giveBackConnection() {
        if let parked { return server.eventStreams.park(parked) }
        server.poller.giveBack(connection, keep: keepsConnection, isOpen: isOpen)
    }

    func accessRecord(of execution: RequestExecution) -> AccessRecord? {
        accessLog == nil ? nil : writer.accessRecord(head, execution, since: start)
    }

    func queue(_ tasks: TaskQueue) { self.tasks.add(tasks) }

    func end(_ execution: RequestExecution) {
        if let record = execution.access { accessLog?.write(record) }
    }
}

extension ConnectionSink {
    /// Answers a request that is refused before a handler is called.
    ///
    /// - Parameter route: the route under which the response is counted; nil if no route matches the request.
    mutating func refuse(_ refusal: Refusal, route: CountedRoute?) {
        server.process?.count(.refused)
        guard prepare() else { return }
        let isHead = head.value("REQUEST_METHOD")?.elementsEqual("HEAD".utf8) == true
        let answers = ErrorAnswers(server.errorFormat, to: head)
        let execution = RequestExecution(answers.response(to: HTTPError(refusal.status)), isHead: isHead)
        execution.route = route
        _ = finish(execution)
        giveBackConnection()
        let record = writer.accessRecord(head, execution, since: start)
        server.logger.info("a request was refused", metadata: record.refusalMetadata(refusal))
        accessLog?.write(record)
    }
}
