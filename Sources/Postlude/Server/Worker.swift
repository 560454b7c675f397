internal import FastCGI
internal import HTTPTypes
internal import Linux
internal import Logging
internal import Manifest
internal import Routing
internal import Synchronization
internal import Workers

/// One thread that serves one request at a time: take a ready connection, route, handle, finish, run the tasks.
final class Worker {
    private let poller: Poller
    private let pool: WorkerPool
    private let generations: Generations
    /// The one of the last request.
    private var generation: Generation
    private let recycling: Recycling
    private let registry: TaskRegistry
    private let runner: TaskRunner
    private let executor: WorkerExecutor
    private let fcgx: FCGXRequest
    private let writer: ResponseWriter
    private let logger: Logger
    private let matcher: RouteMatcher
    private let buffer = ReadBuffer()
    /// Queues that wait until this worker may run tasks.
    private var backlog: [TaskQueue] = []
    /// Queues whose first task waits for its next attempt.
    private var resting = RestingQueues()
    private let slot: TaskSlot
    /// Whether the last tasks did: then another worker takes this one's place before the next ones begin. Short ones are
    /// over before it would be awake; should they be long for once, the keeper calls it.
    private var tasksTakeLong = true

    init(_ server: ServerParts, pool: WorkerPool, executor: WorkerExecutor, writeDeadline: WriteDeadline)
        throws
    {
        poller = server.poller
        generations = server.generations
        generation = generations.current
        recycling = server.recycling
        registry = server.registry
        logger = server.logger
        self.pool = pool
        self.executor = executor
        runner = TaskRunner(
            executor: executor, logger: server.logger, observability: server.observability,
            onFailure: server.taskFailed)
        fcgx = try FCGXRequest(headLimit: generation.settings.limits.head)
        writer = ResponseWriter(fcgx, server, executor: executor, deadline: writeDeadline)
        matcher = try RouteMatcher()
        slot = try TaskSlot(pool: pool)
    }

    /// The worker's loop.
    ///
    /// - Returns: whether the pool has let the worker go because there was nothing to do.
    func run() -> Bool {
        while true {
            switch next() {
            case .request(let connection): serve(connection)
            case .refused(let connection, let refusal): answer(connection, refusal)
            case .nothing: if backlog.isEmpty, resting.isEmpty, pool.retire() { return true }
            case .stopped:
                runLastTasks()
                return false
            }
            backlog += resting.takeDue(at: .now)
            runTasks()
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
        guard begin(head, on: connection) else { return }
        let body = connection.streamsBody ? streamedBody(of: connection) : BodySource(bytes)
        let exchange = generation.responder.respond(to: head, body: body, using: matcher, on: executor)
        let isTaken = finish(connection, head, exchange)
        if let tasks = exchange.conclude(isTaken: isTaken, on: executor, logger: logger) {
            backlog.append(tasks)
        }
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

    private func streamedBody(of connection: Connection) -> BodySource {
        BodySource { [buffer] time in
            do throws(BodyError) {
                return try connection.readBody(into: buffer, within: time)
            } catch {
                throw HTTPError(error)
            }
        }
    }

    private func answer(_ connection: Connection, _ refusal: Refusal) {
        let (head, _) = connection.takeRequest()
        guard begin(head, on: connection) else { return }
        _ = finish(connection, head, Exchange(.error(HTTPError(refusal.status)), isHead: false))
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
    private func finish(_ connection: Connection, _ head: RequestHead, _ exchange: Exchange) -> Bool {
        let outcome = writer.write(exchange, on: connection)
        let isOpen = outcome == .broken ? fcgx.breakOff() : fcgx.finish()
        poller.giveBack(connection, keep: head.keepsConnection && outcome != .broken, isOpen: isOpen)
        return outcome == .whole && isOpen
    }

    /// Plays the postlude, as far as this worker may: some workers can be kept for requests.
    private func runTasks(evenIfReserved: Bool = false) {
        guard !backlog.isEmpty else { return }
        if tasksTakeLong { poller.stepAside() }
        let start = MonotonicTime.now
        while !backlog.isEmpty, evenIfReserved || slot.take() {
            let queue = backlog.removeFirst()
            switch runner.run(queue) {
            case .over: registry.remove(queue)
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
        signal.take()
        // Asking again would queue this worker twice.
        guard !isQueued.value.load(ordering: .acquiring) else { return false }
        isQueued.value.store(true, ordering: .releasing)
        let isFree = pool.beginTasks { [signal, isQueued] in
            isQueued.value.store(false, ordering: .releasing)
            signal.signal()
        }
        if isFree { isQueued.value.store(false, ordering: .releasing) }
        return isFree
    }

    func giveBack() { pool.endTasks() }
}
