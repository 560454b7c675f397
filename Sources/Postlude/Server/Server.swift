internal import FastCGI
internal import Glibc
internal import Linux
internal import Logging
internal import Manifest
internal import Scoreboard
internal import Workers

/// A process that serves an application.
struct Server {
    let manifest: Manifest
    let handlers: [String: Handler]
    let hooks: ApplicationHooks
    let logger: Logger
    /// Where workers show what they are at; nil for a server that nobody looks at.
    var process: ProcessSlot?

    /// Serves until a signal, or the bell, ends it.
    ///
    /// - Parameters:
    ///   - signals: SIGTERM and SIGINT, blocked in every thread; nil where somebody else takes them.
    ///   - bell: wakes the keeper, and tells it to stop.
    /// - Returns: the exit status.
    func run(on listener: Listener, signals: SignalDescriptor?, bell: KeeperBell) async throws -> Int32 {
        raiseDescriptorLimit()
        let parts = try ServerParts(
            manifest: manifest, handlers: handlers, hooks: hooks, listener: listener, bell: bell,
            logger: logger, process: process)
        let deadlines = WriteDeadlines()
        // What every worker needs must be there before the first request is taken.
        _ = try FCGXRequest(headLimit: manifest.limits.head)
        let pool = WorkerPool(bounds: .init(manifest.workers), onEmpty: bell.poolEmptied) { pool, executor in
            let deadline = deadlines.add()
            defer { deadlines.remove(deadline) }
            do {
                return try Worker(parts, pool: pool, executor: executor, writeDeadline: deadline).run()
            } catch {
                parts.ends.count("a worker could not start: \(error)")
                return false
            }
        }
        let keeper = Keeper(parts, pool: pool, signals: signals, bell: bell, writeDeadlines: deadlines)
        try pool.start()
        logger.info(
            "serving",
            metadata: [
                "socket": "\(listener.address)", "routes": "\(manifest.routes.count)", "pid": "\(getpid())",
                "workers": "\(manifest.workers.minimum)-\(manifest.workers.maximum)",
            ])
        // The main actor keeps running while this waits.
        return try await withCheckedThrowingContinuation { continuation in
            do {
                try WorkerThread(name: "keeper") { continuation.resume(returning: keeper.run()) }.detach()
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }
}

/// What workers and the keeper share.
struct ServerParts: Sendable {
    let poller: Poller
    let router: Router
    let responder: Responder
    let registry: TaskRegistry
    let ends: EndCounts
    let streams = OpenStreams()
    let files: FileLocation?
    let settings: ServerSettings
    let logger: Logger
    let observability: Observability
    let process: ProcessSlot?
    /// Told of each task that has failed for good.
    let taskFailed: @Sendable (TaskFailure) -> Void

    init(
        manifest: Manifest, handlers: [String: Handler], hooks: ApplicationHooks, listener: Listener,
        bell: KeeperBell, logger: Logger, process: ProcessSlot? = nil
    ) throws {
        let observability = Observability.bootstrapped(logger: Logger(label: "application"))
        let registry = TaskRegistry(metrics: observability.tasks, process: process)
        self.process = process
        let ends = EndCounts()
        self.registry = registry
        self.ends = ends
        self.logger = logger
        self.observability = observability
        taskFailed = hooks.taskFailed
        settings = ServerSettings(manifest)
        files = manifest.files.map { FileLocation(root: $0.root, internal: $0.internal) }
        router = try Router(manifest: manifest, handlers: handlers, logger: logger)
        responder = Responder(
            router: router, hooks: hooks, registry: registry, logger: logger, observability: observability)
        let limits = manifest.limits
        poller = try Poller(
            listener: listener,
            webServers: WebServerAddresses(getenv("FCGI_WEB_SERVER_ADDRS").map { String(cString: $0) }),
            limits: GateLimits(head: limits.head, concurrentRequests: manifest.workers.maximum),
            times: ConnectionTimes(head: limits.headTime, read: limits.readTime, write: limits.writeTime),
            width: onlineProcessors, onNoneWaiting: bell.noneWaiting,
            report: { end in
                ends.count(end.label)
                logger.debug("connection ended early", metadata: ["reason": "\(end)"])
            })
    }
}

/// The manifest's settings as the threads use them.
struct ServerSettings: Sendable {
    let limits: Manifest.Limits
    let shutdownGrace: Duration
    let idleMilliseconds: Int32
    /// How often the keeper looks at deadlines: a quarter of the shortest, at most a second.
    let tickMilliseconds: Int32

    init(_ manifest: Manifest) {
        limits = manifest.limits
        shutdownGrace = manifest.shutdownGrace
        idleMilliseconds = manifest.workers.idleTime.clampedMilliseconds
        let times =
            [limits.headTime, limits.readTime, limits.writeTime, manifest.shutdownGrace]
            + manifest.routes.flatMap { [$0.tasks.warn] + ($0.tasks.deadline.map { [$0] } ?? []) }
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
