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
    private let router: Router
    private let responder: Responder
    private let registry: TaskRegistry
    private let runner: TaskRunner
    private let executor: WorkerExecutor
    private let fcgx: FCGXRequest
    private let writer: ResponseWriter
    private let settings: ServerSettings
    private let logger: Logger
    private let matcher: RouteMatcher
    private let buffer = ReadBuffer()
    /// Queues that wait until this worker may run tasks.
    private var backlog: [TaskQueue] = []
    private let slot: TaskSlot

    init(_ server: ServerParts, pool: WorkerPool, executor: WorkerExecutor, writeDeadline: WriteDeadline)
        throws
    {
        poller = server.poller
        router = server.router
        responder = server.responder
        registry = server.registry
        settings = server.settings
        logger = server.logger
        self.pool = pool
        self.executor = executor
        runner = TaskRunner(executor: executor, logger: server.logger)
        fcgx = try FCGXRequest(headLimit: server.settings.limits.head)
        writer = ResponseWriter(
            fcgx: fcgx, deadline: writeDeadline, time: server.settings.limits.writeTime)
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
            case .nothing: if backlog.isEmpty && pool.retire() { return true }
            case .stopped:
                runTasks(evenIfReserved: true)
                return false
            }
            runTasks()
        }
    }

    private func next() -> Poller.Next {
        // With tasks in hand that must wait, a free task slot is an event too.
        if !backlog.isEmpty { waitForInput([slot.descriptor, poller.descriptor], milliseconds: -1) }
        return poller.next(reading: buffer, waiting: backlog.isEmpty ? settings.idleMilliseconds : 0) {
            head in
            router.bodyPolicy(for: head, using: matcher)
        }
    }

    private func serve(_ connection: Connection) {
        let (head, body) = connection.takeRequest()
        guard begin(head, on: connection) else { return }
        let exchange = responder.respond(to: head, body: BodySource(body), using: matcher, on: executor)
        let isTaken = finish(connection, head, exchange.response, isHead: exchange.isHead)
        if let tasks = exchange.conclude(isTaken: isTaken, on: executor, logger: logger) {
            backlog.append(tasks)
        }
    }

    private func answer(_ connection: Connection, _ refusal: Refusal) {
        let (head, _) = connection.takeRequest()
        guard begin(head, on: connection) else { return }
        _ = finish(connection, head, .error(HTTPError(refusal.status)), isHead: false)
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
    private func finish(
        _ connection: Connection, _ head: RequestHead, _ response: Response, isHead: Bool
    ) -> Bool {
        let isWritten = writer.write(response, isHead: isHead, on: connection)
        let isOpen = fcgx.finish()
        poller.giveBack(connection, keep: head.keepsConnection, isOpen: isOpen)
        return isWritten && isOpen
    }

    /// Plays the postlude, as far as this worker may: some workers can be kept for requests.
    private func runTasks(evenIfReserved: Bool = false) {
        if !backlog.isEmpty { poller.stepAside() }
        while !backlog.isEmpty, evenIfReserved || slot.take() {
            let queue = backlog.removeFirst()
            runner.run(queue)
            registry.remove(queue)
            if !evenIfReserved { slot.giveBack() }
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
