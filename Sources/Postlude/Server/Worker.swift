internal import Logging
internal import PostludeFastCGI
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeRouting
internal import PostludeScoreboard
internal import PostludeSystem
internal import PostludeThreads

/// A thread that serves one request at a time, and runs the tasks of the requests that it has served.
final class Worker {
    private let server: ServerContext
    private let pool: WorkerPool
    private let executor: WorkerExecutor
    private let watch: HandlerWatch
    private let writer: ResponseWriter
    private let tasks: WorkerTasks
    /// Shows what this worker is doing; nil if there is no status page.
    private let score: WorkerSlot?
    private let matcher: RouteMatcher
    private let buffer = ReadBuffer()

    init(
        _ server: ServerContext, pool: WorkerPool, executor: WorkerExecutor, watch: HandlerWatch,
        writeDeadline: WriteDeadline
    ) throws {
        self.server = server
        self.pool = pool
        self.executor = executor
        self.watch = watch
        score = try server.process?.takeWorker()
        writer = try ResponseWriter(server, executor: executor, deadline: writeDeadline)
        tasks = try WorkerTasks(
            server, pool: pool, executor: executor, thread: watch.thread, score: score)
        matcher = try RouteMatcher()
    }

    // MARK: The thread

    /// Serves until the process stops, or the pool has too many idle workers.
    ///
    /// - Returns: whether the worker ended because the pool has too many idle workers.
    func run() -> Bool { server.observability.withCurrentLogger(loop) }

    private func loop() -> Bool {
        while true {
            switch next() {
            case .request(let connection): serve(connection)
            case .refused(let connection, let refusal): refuse(connection, refusal)
            case .called: tasks.addPosted()
            case .nothing: if tasks.isEmpty, pool.retire() { return true }
            case .stopped:
                tasks.runLast()
                return false
            }
            let now = MonotonicTime.now
            let hasRun = tasks.runDue(at: now)
            score?.becomeIdle(at: hasRun ? .now : now)
        }
    }

    private func next() -> Poller.Next {
        tasks.waitForSlot(or: server.poller.descriptor)
        let time = tasks.waitMilliseconds(atMost: server.settings.idleMilliseconds)
        return server.poller.next(reading: buffer, waiting: time) { head in
            RouteMatch(of: head, by: server.generations.current, using: matcher).bodyPolicy
        }
    }

    private func serve(_ connection: Connection) {
        let match = connection.requestContext as? RouteMatch
        let generation = match?.generation ?? server.generations.current
        writer.adopt(generation)
        let (head, bytes) = connection.takeRequest()
        server.recycling.countRequest()
        score?.beginRequest(head)
        var sink = sink(to: head, on: connection)
        let body = connection.streamsBody ? streamedBody(of: connection) : BodySource(bytes)
        let resolution = match?.resolution ?? generation.router.resolve(head, using: matcher)
        Self.serve(head, body, as: resolution, by: generation, through: &sink, on: executor)
    }

    private func refuse(_ connection: Connection, _ refusal: Refusal) {
        let match = connection.requestContext as? RouteMatch
        let (head, _) = connection.takeRequest()
        score?.beginRequest(head)
        var sink = sink(to: head, on: connection)
        let resolution =
            match?.resolution ?? server.generations.current.router.resolve(head, using: matcher)
        sink.refuse(refusal, route: resolution.route?.counted)
    }

    private func sink(to head: RequestHead, on connection: Connection) -> ConnectionSink {
        ConnectionSink(
            to: head, on: connection, server: server, writer: writer, watch: watch, tasks: tasks,
            score: score)
    }

    private func streamedBody(of connection: Connection) -> BodySource {
        BodySource { [buffer, score] time in
            score?.set(.reading, at: .now)
            defer { score?.set(.handling, at: .now) }
            do throws(BodyError) {
                return try connection.readBody(into: buffer, within: time)
            } catch {
                throw HTTPError(error)
            }
        }
    }

    // MARK: A request

    /// Serves one request. Tests use the same steps with a sink of their own.
    ///
    /// - Parameters:
    ///   - resolution: the result of routing the request.
    ///   - generation: the generation that the request keeps.
    static func serve(
        _ head: RequestHead, _ body: BodySource, as resolution: Router.Resolution, by generation: Generation,
        through sink: inout some ResponseSink, on executor: WorkerExecutor
    ) {
        // 1. Prepare: a handler whose response cannot be written is not called.
        guard sink.prepare() else { return }
        // 2. Respond: middleware and the handler return a response, or throw an error.
        let execution = generation.responder.respond(to: head, body: body, as: resolution, on: executor) {
            sink.watchHandler(of: $0, by: $1)
        }
        let isDelivered: Bool
        // 3. Claim the right to answer: the control thread has taken it if the handler was past its time limit.
        switch sink.claimAnswer() {
        case .worker:
            // 4. Persist tasks: a client that gets an answer can rely on its durable tasks.
            sink.persistTasks(of: execution, retryAfter: generation.settings.overload.retryAfter)
            // 5. Write and finish.
            isDelivered = sink.finish(execution)
            // 6. Give the connection back: the next request does not wait for this one's tasks.
            sink.giveBackConnection()
        case .controlThread(let hasDelivered, let duration):
            execution.timeOut(after: duration)
            isDelivered = hasDelivered
        }
        // 7. Conclude: dependencies are released, and tasks whose condition is not met are dropped.
        execution.access = sink.accessRecord(of: execution)
        let tasks = execution.conclude(
            isDelivered: isDelivered, on: executor, logger: generation.logger)
        // 8. Queue the tasks.
        if let tasks { sink.queue(tasks) } else { sink.end(execution) }
    }
}

extension WorkerSlot {
    /// Shows that the worker serves a request. Shows the request's id only if the web server sent one, since generating
    /// an id takes longer than all of this.
    func beginRequest(_ head: RequestHead) {
        begin(
            method: head.value("REQUEST_METHOD") ?? [],
            target: AbsoluteForm.originForm(of: head.value("REQUEST_URI") ?? []),
            request: head.value("REQUEST_ID") ?? head.value("HTTP_X_REQUEST_ID") ?? [], at: .now)
        if let wait = RequestStart.wait(of: head) { countWait(wait) }
    }
}
