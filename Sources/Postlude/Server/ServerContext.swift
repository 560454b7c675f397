internal import Glibc
internal import Logging
internal import PostludeFastCGI
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeScoreboard
internal import PostludeSystem
internal import PostludeThreads
internal import Synchronization

/// The state that a process's workers and its control thread share.
final class ServerContext: Sendable {
    let poller: Poller
    let generations: Generations
    let recycling: Recycling
    let registry: TaskRegistry
    let ends: EventCounts
    let fullQueues = EventCounts("a worker's task queue was full")
    let starts = WorkerStarts()
    let streams = OpenStreams()
    let eventStreams: EventStreams
    let handlers = RunningHandlers()
    let logger: Logger
    let logs: LogWriter
    let observability: Observability
    let process: ProcessSlot?
    let dispatch: TaskDispatch
    let errorFormat: ErrorFormat
    private let taskRoom: TaskRoom
    /// Called for each task that has failed for good.
    let taskFailed: @Sendable (TaskFailure) -> Void

    init(
        manifest: Manifest, handlers: [String: Handler], hooks: ApplicationHooks, listener: Listener,
        control: ProcessControl, wakeup: ControlWakeup, logger: Logger, logs: LogWriter,
        process: ProcessSlot?,
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
        errorFormat = hooks.errorFormat
        generations = try Generations(beginningWith: manifest, number: control.generation) {
            try Generation(
                $0, number: $1, handlers: handlers, hooks: hooks, registry: registry, logger: logger,
                observability: observability)
        }
        recycling = Recycling(manifest.processes, supervisor: control.supervisor, wakeup: wakeup)
        let first = generations.current
        let taskRoom = TaskRoom(process)
        self.taskRoom = taskRoom
        poller = try Poller(
            listener: listener, handover: control.handover,
            webServers: WebServers(
                getenv("FCGI_WEB_SERVER_ADDRS").map { String(cString: $0) },
                networks: manifest.listen.allow, users: manifest.listen.allowUsers),
            limits: first.gateLimits, times: first.connectionTimes,
            width: onlineProcessors, errorFormat: .init(hooks.errorFormat),
            isRoomElsewhere: { taskRoom.isElsewhere },
            onReceivingPaused: wakeup.receivingPaused, onNoneWaiting: wakeup.noneWaiting,
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
        eventStreams = try EventStreams(of: poller)
        dispatch = TaskDispatch(registry: registry, logger: logger) {
            [generations] in
            generations.current.manifest.tasks
        } call: { [poller] in
            poller.call()
        }
        process?.show(manifest.workers)
    }

    /// Notes whether a worker may run tasks. Called by the pool when all workers that may do so run tasks, and when one of
    /// them is free again.
    func taskRoomChanged(_ hasRoom: Bool) {
        taskRoom.set(hasRoom)
        if hasRoom { poller.resumeReceiving() }
    }

    /// The settings for new requests.
    var settings: ServerSettings { generations.current.settings }

    /// Uses a new manifest for new requests.
    func applyManifest(_ manifest: Manifest, number: Int, to pool: WorkerPool) throws {
        let generation = try generations.replace(by: manifest, number: number)
        recycling.setLimits(manifest.processes)
        poller.use(limits: generation.gateLimits, times: generation.connectionTimes)
        try pool.use(.init(manifest.workers))
        registry.store?.applyManifest(manifest)
        process?.set(generation: number)
        process?.show(manifest.workers)
    }
}

/// Stores whether this process has room for the tasks of one more request, and looks for another process if it has not.
private final class TaskRoom: Sendable {
    private let process: ProcessSlot?
    private let isHere = Atomic<Bool>(true)

    init(_ process: ProcessSlot?) { self.process = process }

    func set(_ isHere: Bool) { self.isHere.store(isHere, ordering: .sequentiallyConsistent) }

    /// Whether another process has room and this one does not. Evaluated for each request, and cheap while this process
    /// has room.
    var isElsewhere: Bool {
        !isHere.load(ordering: .sequentiallyConsistent) && process?.isAnotherProcessFree == true
    }
}

extension WorkerPool.Bounds {
    init(_ workers: Manifest.Workers) {
        self.init(
            minimum: workers.minimum, maximum: workers.maximum,
            reservedForRequests: workers.reservedForRequests)
    }
}

extension ProcessSlot {
    /// Shows how many workers there may be, and how many of them may run tasks at the same time.
    fileprivate func show(_ workers: Manifest.Workers) {
        set(workersLimit: workers.maximum)
        set(taskSlots: WorkerPool.Bounds(workers).taskSlots)
    }
}

extension ServerContext {
    /// Updates the values of the scoreboard that are sampled and not counted as they change. Called by the control
    /// thread.
    func show(_ pool: WorkerPool) {
        guard let process else { return }
        process.set(isExhausted: !poller.isAnyWorkerWaiting && !pool.canGrow && poller.hasEvents)
        var all = TaskCounts()
        for queue in registry.all {
            let counts = queue.counts
            guard counts.queued + counts.running > 0 else { continue }
            all.queued += counts.queued
            all.running += counts.running
            switch counts.reason {
            case .worker: all.forWorker += counts.queued
            case .attempt: all.forAttempt += counts.queued
            case .turn: break
            }
            all.oldest = min(all.oldest ?? queue.created, queue.created)
            guard counts.queued > 0, let reason = WaitingTask.Reason(counts.reason),
                all.oldestWaiting.map({ queue.created < $0.since }) ?? true
            else { continue }
            all.oldestWaiting = WaitingTask(since: queue.created, reason: reason)
        }
        process.set(connections: poller.connectionCount, eventStreams: eventStreams.count, tasks: all)
        guard let outages = registry.store?.outages else { return }
        process.set(storeOutage: outages.store, brokerOutage: outages.broker)
    }
}

extension WaitingTask.Reason {
    /// - Returns: nil for a task that waits for the time of its next attempt, which its policy sets.
    fileprivate init?(_ reason: TaskQueue.WaitingReason) {
        switch reason {
        case .worker: self = .worker
        case .turn: self = .turn
        case .attempt: return nil
        }
    }
}
