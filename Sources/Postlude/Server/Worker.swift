internal import HTTPTypes
internal import Logging
internal import PostludeFastCGI
internal import PostludeManifest
internal import PostludeRouting
internal import PostludeScoreboard
internal import PostludeSystem
internal import PostludeThreads
internal import Synchronization

/// One thread that serves one request at a time: take a ready connection, route, handle, finish, run the tasks.
final class Worker {
    private let poller: Poller
    private let pool: WorkerPool
    private let generations: Generations
    /// The one of the last request.
    private var generation: Generation
    private let recycling: Recycling
    private let registry: TaskRegistry
    private let dispatch: TaskDispatch
    private let fullQueues: EventCounts
    private let runner: TaskRunner
    private let executor: WorkerExecutor
    private let fcgx: FCGXRequest
    private let writer: ResponseWriter
    private let logger: Logger
    private let logs: LogWriter
    /// As in the thread's name, `worker 7`.
    private let number = Int(threadName.drop { !$0.isNumber }) ?? 0
    private let matcher: RouteMatcher
    private let buffer = ReadBuffer()
    private let clock: RunningHandlers
    /// What the control thread watches of the request in hand; nil where its route has no limits of time.
    private var watched: HandlerInvocation?
    /// Queues that wait until this worker may run tasks.
    private var backlog: [TaskQueue] = []
    /// Queues whose first task waits for its next attempt.
    private var resting = DelayedQueues()
    private let slot: TaskSlot
    /// Shows what this worker is at; nil where nobody looks.
    private let score: WorkerSlot?
    private let process: ProcessSlot?
    /// Whether the last tasks did: then another worker takes this one's place before the next ones begin. Short ones are
    /// over before it would be awake; should they be long for once, the control thread calls it.
    private var tasksTakeLong = true

    init(
        _ server: ServerContext, pool: WorkerPool, executor: WorkerExecutor, clock: RunningHandlers,
        writeDeadline: WriteDeadline
    ) throws {
        poller = server.poller
        generations = server.generations
        generation = generations.current
        recycling = server.recycling
        registry = server.registry
        dispatch = server.dispatch
        fullQueues = server.fullQueues
        logger = server.logger
        logs = server.logs
        self.pool = pool
        self.executor = executor
        self.clock = clock
        process = server.process
        score = try server.process?.takeWorker()
        runner = TaskRunner(
            executor: executor, logger: server.logger, observability: server.observability, score: score,
            thread: clock.thread, onFailure: server.taskFailed)
        fcgx = try FCGXRequest(headLimit: generation.settings.limits.head)
        writer = ResponseWriter(fcgx, server, executor: executor, deadline: writeDeadline)
        matcher = try RouteMatcher()
        slot = try TaskSlot(pool: pool)
    }

    /// Serves until there is no more to do.
    ///
    /// - Returns: whether the pool has let the worker go because there was nothing to do.
    func run() -> Bool { runner.observability.withCurrentLogger(loop) }

    /// The worker's loop.
    private func loop() -> Bool {
        while true {
            switch next() {
            case .request(let connection): serve(connection)
            case .refused(let connection, let refusal): answer(connection, refusal)
            case .called: if let queue = dispatch.take() { backlog.append(queue) }
            case .nothing: if backlog.isEmpty, resting.isEmpty, pool.retire() { return true }
            case .stopped:
                runLastTasks()
                return false
            }
            let now = MonotonicTime.now
            backlog += resting.takeDue(at: now)
            let hasTasks = !backlog.isEmpty
            runTasks()
            score?.rest(at: hasTasks ? .now : now)
        }
    }

    private func next() -> Poller.Next {
        // With tasks in hand that must wait, a free task slot is an event too.
        if !backlog.isEmpty { waitForInput([slot.descriptor, poller.descriptor], milliseconds: -1) }
        let time =
            backlog.isEmpty
            ? resting.milliseconds(at: .now, atMost: generations.current.settings.idleMilliseconds) : 0
        return poller.next(reading: buffer, waiting: time) {
            head in
            generations.current.bodyPolicy(for: head, using: matcher)
        }
    }

    private func serve(_ connection: Connection) {
        // By the manifest that has decided about the body.
        use(connection.bodyAuthor as? Generation ?? generations.current)
        let (head, bytes) = connection.takeRequest()
        recycling.countRequest()
        score?.begin(head)
        let (accessLog, start) = beginAccess()
        guard begin(head, on: connection) else { return }
        let streamsBody = connection.streamsBody
        let body = streamsBody ? streamedBody(of: connection) : BodySource(bytes)
        let execution = generation.responder.respond(
            to: head, body: body, using: matcher, on: executor, score
        ) {
            watch($0, route: $1, on: connection, readsConnection: streamsBody)
        }
        let lost = endWatch()
        if lost == nil { takeTasks(of: execution) }
        let isDelivered =
            lost.map { drop(execution, answeredIn: $0, on: connection) }
            ?? finish(connection, head, execution)
        if accessLog != nil { execution.access = accessRecord(head, execution, since: start) }
        if let tasks = execution.conclude(isDelivered: isDelivered, on: executor, logger: logger) {
            backlog.append(tasks)
        } else if let record = execution.access {
            accessLog?.write(record)
        }
    }

    private func watch(
        _ request: Request, route: Router.Route, on connection: Connection, readsConnection: Bool
    ) -> RequestCancellation? {
        guard route.limits.hasDeadline else { return nil }
        let run = HandlerInvocation(
            of: request, on: connection, route: route, readsConnection: readsConnection)
        watched = run
        clock.begin(run)
        return run.cancellation
    }

    /// The handler has returned.
    ///
    /// - Returns: its run, when the control thread has answered for it.
    private func endWatch() -> HandlerInvocation? {
        guard let run = watched else { return nil }
        watched = nil
        clock.end()
        return run.beginWriting() ? nil : run
    }

    private func takeTasks(of execution: RequestExecution) {
        let fullQueue = execution.takeTasks(
            behind: {
                (backlog + resting.queues).reduce(0) { $0 + $1.census.queued }
            }, retryAfter: generation.settings.overload.retryAfter, logger: logger)
        switch fullQueue {
        case nil: break
        case .run: fullQueues.count("its tasks run all the same")
        case .refuse:
            process?.count(.refused)
            fullQueues.count("requests were answered 503")
        case .leave: fullQueues.count("durable tasks are left to other workers")
        }
    }

    /// The control thread was faster: the handler's response is thrown away, with libfcgi's streams for it.
    ///
    /// - Returns: whether the web server took the control thread's.
    private func drop(
        _ execution: RequestExecution, answeredIn run: HandlerInvocation, on connection: Connection
    ) -> Bool {
        fcgx.abandon()
        execution.timeOut(after: run.answeredAfter)
        score?.drop(after: run.answeredAfter)
        if run.readsConnection { poller.giveBack(connection, keep: false, isOpen: true) }
        return run.isDelivered
    }

    /// Serves by that manifest from now on.
    private func use(_ other: Generation) {
        guard other !== generation else { return }
        generation = other
        writer.use(other)
        do {
            try fcgx.raiseHeadLimit(to: other.settings.limits.head)
        } catch {
            logger.error("larger heads are not possible", metadata: ["error": "\(error)"])
        }
    }

    /// - Returns: also when a request began; nobody looks at the clock where requests are not logged.
    private func beginAccess() -> (AccessLog?, MonotonicTime) {
        let log = logs.access
        return (log, log == nil ? MonotonicTime(nanoseconds: 0) : .now)
    }

    private func accessRecord(_ head: RequestHead, _ execution: RequestExecution, since start: MonotonicTime)
        -> AccessRecord
    {
        let bytes = fcgx.bytesWritten
        return AccessRecord(
            head, request: execution.request, status: execution.response.status.code,
            bodyBytes: max(0, bytes - writer.head.count), bytes: bytes, since: start, worker: number)
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

    private func answer(_ connection: Connection, _ refusal: Refusal) {
        let (head, _) = connection.takeRequest()
        score?.begin(head)
        process?.count(.refused)
        let (accessLog, start) = beginAccess()
        guard begin(head, on: connection) else { return }
        let isHead = head.value("REQUEST_METHOD")?.elementsEqual("HEAD".utf8) == true
        let execution = RequestExecution(.error(HTTPError(refusal.status)), isHead: isHead)
        execution.route = generations.current.router.route(of: head, using: matcher)?.counted
        _ = finish(connection, head, execution)
        let record = accessRecord(head, execution, since: start)
        logger.info("a request was refused", metadata: record.refusalMetadata(refusal))
        accessLog?.write(record)
    }

    private func begin(_ head: RequestHead, on connection: Connection) -> Bool {
        do {
            try fcgx.begin(head, on: connection.descriptor)
            return true
        } catch {
            logger.error(
                "libfcgi did not take a request; its connection is closed", metadata: ["error": "\(error)"])
            poller.giveBack(connection, keep: false, isOpen: true)
            return false
        }
    }

    /// Writes the response and finishes; the connection is back at the poller before the first task runs.
    ///
    /// - Returns: whether the web server took the whole response.
    private func finish(_ connection: Connection, _ head: RequestHead, _ execution: RequestExecution) -> Bool
    {
        score?.set(.writing, at: .now)
        let outcome = writer.write(execution, on: connection)
        let isOpen = outcome == .broken ? fcgx.breakOff() : fcgx.finish()
        let duration = score?.finish(execution.answer, at: .now)
        execution.duration = duration
        if execution.request == nil, let duration {
            runner.observability.requests?.record(
                duration, of: head, route: execution.route?.name ?? "", status: execution.answer.status)
        }
        poller.giveBack(connection, keep: head.keepsConnection && outcome != .broken, isOpen: isOpen)
        return outcome == .whole && isOpen
    }

    /// Plays the postlude, as far as this worker may: some workers can be kept for requests.
    private func runTasks(evenIfReserved: Bool = false) {
        guard !backlog.isEmpty else { return }
        if tasksTakeLong { poller.stepAside() }
        let start = MonotonicTime.now
        clock.thread.enter()
        defer { clock.thread.leave() }
        while !backlog.isEmpty, evenIfReserved || slot.take() {
            let queue = backlog.removeFirst()
            switch runner.run(queue) {
            case .over:
                registry.remove(queue)
                if let record = queue.access { logs.access?.write(record, tasks: queue.tally) }
            case .waiting(let due): resting.add(queue, until: due)
            }
            if !evenIfReserved { slot.giveBack() }
        }
        tasksTakeLong = .now - start > .microseconds(200)
    }

    /// The process stops: runs what is left. Retries are waited for, as far as their time is within the grace.
    private func runLastTasks() {
        backlog += resting.takeAll()
        runTasks(evenIfReserved: true)
        while !resting.isEmpty {
            waitForInput([], milliseconds: resting.milliseconds(at: .now, atMost: 1000))
            backlog += resting.takeDue(at: .now)
            runTasks(evenIfReserved: true)
        }
    }
}

/// A worker's permission to run tasks.
private final class TaskSlot {
    private let pool: WorkerPool
    private let signal: EventDescriptor
    private let isQueued = QueuedFlag()
    /// Whether the signal is worth a system call: it was refused a slot since the last one.
    private var mayHaveRung = false

    private final class QueuedFlag: Sendable {
        let value = Atomic<Bool>(false)
    }

    init(pool: WorkerPool) throws(SystemError) {
        self.pool = pool
        signal = try EventDescriptor()
    }

    /// Readable when a slot may be free again.
    var descriptor: Int32 { signal.descriptor }

    func take() -> Bool {
        // Asking again would queue this worker twice.
        guard !isQueued.value.load(ordering: .acquiring) else { return false }
        if mayHaveRung {
            signal.take()
            mayHaveRung = false
        }
        isQueued.value.store(true, ordering: .releasing)
        let isFree = pool.beginTasks { [signal, isQueued] in
            isQueued.value.store(false, ordering: .releasing)
            signal.signal()
        }
        if isFree { isQueued.value.store(false, ordering: .releasing) } else { mayHaveRung = true }
        return isFree
    }

    func giveBack() { pool.endTasks() }
}
