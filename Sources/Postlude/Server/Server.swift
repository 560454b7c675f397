internal import Glibc
internal import Logging
internal import PostludeFastCGI
internal import PostludeManifest
internal import PostludeScoreboard
internal import PostludeSupervision
internal import PostludeSystem
internal import PostludeThreads
internal import Synchronization

/// A process that serves an application.
struct Server {
    let manifest: Manifest
    let handlers: [String: Handler]
    let hooks: ApplicationHooks
    let logger: Logger
    let logs: LogWriter
    /// nil where no service manager is to be told.
    var manager: ServiceManager?
    /// Where workers show what they are at; nil for a server that nobody looks at.
    var process: ProcessSlot?
    /// Keeps tasks beyond the process; nil where the application has none of that kind.
    var store: (any TaskStore)?

    /// Serves until a signal, or the bell, ends it.
    ///
    /// - Parameters:
    ///   - control: who tells the process what to do.
    ///   - bell: wakes the control thread, and tells it to stop.
    /// - Returns: the exit status.
    func run(on listener: Listener, control: ProcessControl, bell: ControlWakeup) async throws -> Int32 {
        raiseDescriptorLimit()
        let parts = try ServerContext(
            manifest: manifest, handlers: handlers, hooks: hooks, listener: listener, control: control,
            bell: bell, logger: logger, logs: logs, process: process, store: store)
        try store?.open(
            manifest, dispatch: parts.dispatch, end: { [process] in process?.end(of: $0) ?? .unknown },
            logger: logger)
        defer { store?.close() }
        let deadlines = WriteDeadlines()
        // What every worker needs must be there before the first request is taken.
        _ = try FCGXRequest(headLimit: manifest.limits.head)
        let pool = WorkerPool(
            bounds: .init(manifest.workers), onEmpty: bell.poolEmptied, onTaskRoom: parts.taskRoomChanged
        ) { pool, executor in
            let deadline = deadlines.add()
            defer { deadlines.remove(deadline) }
            let clock = RunningHandlers(executor: executor)
            parts.clocks.add(clock)
            defer { parts.clocks.remove(clock) }
            do {
                let worker = try Worker(
                    parts, pool: pool, executor: executor, clock: clock, writeDeadline: deadline)
                parts.starts.succeeded()
                return worker.run()
            } catch {
                parts.starts.failed()
                parts.ends.count("a worker could not start: \(error)")
                return false
            }
        }
        let orders = ProcessCommands(control, logger: logger) { manifest, number in
            try parts.use(manifest, number: number, in: pool)
        }
        let watchdog = manager.map { Watchdog($0, pool: pool, poller: parts.poller) }
        let controlThread = ControlThread(
            parts, pool: pool, orders: orders, bell: bell, writeDeadlines: deadlines, watchdog: watchdog)
        try pool.start()
        // The main actor keeps running while this waits.
        return try await withCheckedThrowingContinuation { continuation in
            do {
                try WorkerThread(name: "control") { continuation.resume(returning: controlThread.run()) }
                    .detach()
                // Not before: without a control thread a process must not be taken for one that works.
                tellReady(listener, control.supervisor)
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    private func tellReady(_ listener: Listener, _ supervisor: ControlSocket?) {
        logger.info(
            "serving",
            metadata: [
                "socket": "\(listener.address)", "routes": "\(manifest.routes.count)", "pid": "\(getpid())",
                "workers": "\(manifest.workers.minimum)-\(manifest.workers.maximum)",
            ])
        supervisor?.send(.ready)
        manager?.notify(.ready, .status("serving \(manifest.routes.count) routes on \(listener.address)"))
    }
}

/// What workers and the control thread share.
struct ServerContext: Sendable {
    let poller: Poller
    let generations: Generations
    let recycling: Recycling
    let registry: TaskRegistry
    let ends: EventCounts
    let fullQueues = EventCounts("a worker's task queue was full")
    let starts = StartDelay()
    let streams = OpenStreams()
    let clocks = HandlerClocks()
    let logger: Logger
    let logs: LogWriter
    let observability: Observability
    let process: ProcessSlot?
    let dispatch: TaskDispatch
    private let taskRoom: TaskRoom
    /// Told of each task that has failed for good.
    let taskFailed: @Sendable (TaskFailure) -> Void

    init(
        manifest: Manifest, handlers: [String: Handler], hooks: ApplicationHooks, listener: Listener,
        control: ProcessControl, bell: ControlWakeup, logger: Logger, logs: LogWriter, process: ProcessSlot?,
        store: (any TaskStore)? = nil
    ) throws {
        let observability = Observability.bootstrapped(logger: Logger(label: "application"))
        let registry = TaskRegistry(
            of: hooks.application, metrics: observability.tasks, process: process, store: store)
        self.process = process
        let ends = EventCounts()
        self.registry = registry
        self.ends = ends
        self.logger = logger
        self.logs = logs
        self.observability = observability
        taskFailed = hooks.taskFailed
        generations = try Generations(beginningWith: manifest, number: control.generation) {
            try Generation(
                $0, number: $1, handlers: handlers, hooks: hooks, registry: registry, logger: logger,
                observability: observability)
        }
        recycling = Recycling(manifest.processes, supervisor: control.supervisor, bell: bell)
        let first = generations.current
        let taskRoom = TaskRoom(process)
        self.taskRoom = taskRoom
        poller = try Poller(
            listener: listener, handover: control.handover,
            webServers: WebServers(
                getenv("FCGI_WEB_SERVER_ADDRS").map { String(cString: $0) },
                networks: manifest.listen.allow, users: manifest.listen.allowUsers),
            limits: first.gateLimits, times: first.connectionTimes,
            width: onlineProcessors, isRoomElsewhere: { taskRoom.isElsewhere },
            onAway: bell.leftQueue, onNoneWaiting: bell.noneWaiting,
            report: { end in
                ends.count(end.label)
                logger.debug("connection ended early", metadata: ["reason": "\(end)"])
            },
            answered: { [generations] request in
                let route = generations.current.route(of: request.head)
                let duration = MonotonicTime.now - request.start
                let status = request.response.status
                process?.count(.refused)
                process?.count(CountedAnswer(status: status, route: route?.counted), taking: duration)
                observability.requests?.record(
                    duration, of: request.head, route: route?.pattern ?? "", status: status)
                logs.access?.write(AccessRecord(request))
            })
        dispatch = TaskDispatch(registry: registry, logger: logger) {
            [generations] in
            generations.current.manifest.tasks
        } call: { [poller] in
            poller.call()
        }
        process?.set(taskPlaces: WorkerPool.Bounds(manifest.workers).taskPlaces)
    }

    /// As many workers run tasks as may, or fewer again. Called by the pool.
    func taskRoomChanged(_ hasRoom: Bool) {
        taskRoom.set(hasRoom)
        if hasRoom { poller.returnToQueue() }
    }

    /// Those of the generation that new requests get.
    var settings: ServerSettings { generations.current.settings }
    var files: FileLocation? { generations.current.files }

    /// Serves new requests by another manifest.
    func use(_ manifest: Manifest, number: Int, in pool: WorkerPool) throws {
        let generation = try generations.replace(by: manifest, number: number)
        recycling.use(manifest.processes)
        poller.use(limits: generation.gateLimits, times: generation.connectionTimes)
        try pool.use(.init(manifest.workers))
        registry.store?.use(manifest)
        process?.set(generation: number)
        process?.set(taskPlaces: WorkerPool.Bounds(manifest.workers).taskPlaces)
    }
}

/// Whether this process, or another one, could run the tasks of one more request now.
private final class TaskRoom: Sendable {
    private let process: ProcessSlot?
    private let isHere = Atomic<Bool>(true)

    init(_ process: ProcessSlot?) { self.process = process }

    func set(_ isHere: Bool) { self.isHere.store(isHere, ordering: .sequentiallyConsistent) }

    /// Asked for each request: cheap as long as there is room here.
    var isElsewhere: Bool {
        !isHere.load(ordering: .sequentiallyConsistent) && process?.isAnotherFree == true
    }
}

/// The manifest's settings as the threads use them.
struct ServerSettings: Sendable {
    let limits: Manifest.Limits
    let overload: Manifest.Overload
    let shutdownGrace: Duration
    let idleMilliseconds: Int32
    /// How often the control thread looks at deadlines: a quarter of the shortest, at most a second.
    let tickMilliseconds: Int32

    init(_ manifest: Manifest) {
        limits = manifest.limits
        overload = manifest.overload
        shutdownGrace = manifest.shutdownGrace
        idleMilliseconds = manifest.workers.idleTime.clampedMilliseconds
        let times =
            [limits.headTime, limits.readTime, limits.writeTime, manifest.shutdownGrace]
            + manifest.routes.flatMap { route in
                let (limits, tasks) = (route.limits, route.tasks)
                let optional = [
                    limits.requestTimeout, limits.slowTime, limits.killTime, tasks.deadline, tasks.killTime,
                ]
                return [tasks.warn] + optional.compactMap { $0 }
            }
        let shortest = times.min() ?? .seconds(4)
        tickMilliseconds = min(1000, max(10, shortest.clampedMilliseconds / 4))
    }
}

extension WorkerPool.Bounds {
    init(_ workers: Manifest.Workers) {
        self.init(
            minimum: workers.minimum, maximum: workers.maximum,
            reservedForRequests: workers.reservedForRequests)
    }
}

extension Duration {
    fileprivate var clampedMilliseconds: Int32 { Int32(clamping: saturatedNanoseconds / 1_000_000) }
}
