internal import FoundationEssentials
internal import HTTPTypes
internal import Logging
internal import Postlude
internal import PostludeManifest
internal import PostludeSystem
internal import PostludeTaskStore
internal import PostludeThreads

/// The durable tasks' store of a running program, in the task store that the manifest names.
final class DurableStore: DurableTaskStore, ReceiptStore {
    /// The kinds as the application's code declares them, without the manifest's settings.
    private let declared: DurableTaskKinds
    private let current: Lock<DurableTaskKinds>
    private let parts: (any TaskBrokerParts)?
    private let driver: any RecordStoreDriver
    private let opened = Lock<Opened?>(nil)
    private let waiting = Lock(Waiting())

    /// The interval between two attempts to open an unavailable task store, and between two log entries about it.
    private static let openingInterval = Duration.milliseconds(500)
    private static let reportInterval = Duration.seconds(60)

    private struct Waiting {
        /// The newest manifest.
        var manifest: Manifest?
        /// Retries to open the task store until it succeeds.
        var thread: LoopThread?
        /// The time of the first attempt that has failed.
        var since: MonotonicTime?
    }

    private struct Opened {
        let access: TaskStoreAccess
        let broker: (any OpenTaskBroker)?
        let recovery: Recovery
        let schedules: Schedules
        let receipts: ReceiptFollower
    }

    init(kinds: DurableTaskKinds, broker: TaskBroker?, driver: any RecordStoreDriver) {
        declared = kinds
        current = Lock(kinds)
        parts = broker?.parts
        self.driver = driver
    }

    var kinds: DurableTaskKinds { current.withLock { $0 } }

    var broker: (any OpenTaskBroker)? { opened.withLock { $0?.broker } }

    /// The arguments of an attempt to open the task store.
    private struct Opening {
        var manifest: Manifest
        let dispatch: any TaskDispatching
        let end: @Sendable (Int64) -> ProcessEnd
        let logger: Logger
        /// Whether the process fires schedules. `tasks drain` does not: it only runs existing tasks.
        var firesSchedules = true
    }

    /// Opens the task store. After a temporary error, such as a lock or a full disk, a thread retries; until then the process
    /// serves without the task store.
    func open(
        _ manifest: Manifest, dispatch: any TaskDispatching, end: @escaping @Sendable (Int64) -> ProcessEnd,
        logger: Logger
    ) throws {
        let opening = Opening(manifest: manifest, dispatch: dispatch, end: end, logger: logger)
        waiting.withLock { $0.manifest = manifest }
        do {
            try open(opening)
        } catch let error as TaskStoreError where error.isTemporary {
            logger.error(
                "the task store cannot be opened yet; until then requests with durable tasks are answered 503",
                metadata: ["error": "\(error)"])
            try openLater(opening)
        }
    }

    /// Opens the task store for a program that serves no requests. Fires no schedules, and throws temporary errors too.
    func open(draining manifest: Manifest, dispatch: any TaskDispatching, logger: Logger) throws {
        try open(
            Opening(
                manifest: manifest, dispatch: dispatch, end: { _ in .unknown }, logger: logger,
                firesSchedules: false))
    }

    private func openLater(_ opening: Opening) throws {
        let thread = try LoopThread(name: "opening")
        waiting.withLock {
            $0.thread = thread
            $0.since = .now
        }
        try thread.start { [self] in
            var nextReport = MonotonicTime.now + Self.reportInterval
            while true {
                thread.wait(atMost: Self.openingInterval)
                guard !thread.isStopping else { return }
                do {
                    var opening = opening
                    opening.manifest = waiting.withLock { $0.manifest } ?? opening.manifest
                    return try open(opening)
                } catch {
                    guard .now >= nextReport else { continue }
                    nextReport = .now + Self.reportInterval
                    opening.logger.error(
                        "the task store cannot be opened yet", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    private func open(_ opening: Opening) throws {
        let (manifest, logger) = (opening.manifest, opening.logger)
        let place = manifest.taskStore ?? Manifest.TaskStore()
        current.withLock { $0 = declared.with(manifest) }
        var settings = TaskStoreSettings()
        settings.lockTimeout = place.lockTimeout
        settings.maximumAnswers = place.maximumAnswers
        settings.report = { error in
            logger.error(
                "results of tasks could not be written to the task store", metadata: ["error": "\(error)"]
            )
        }
        settings.warn = { logger.warning("\($0)") }
        settings.end = opening.end
        settings.arrived = { [weak self] in self?.noteArrival() }
        settings.written = { [weak self] in self?.opened.withLock { $0?.receipts }?.noteChange() }
        settings.died = { death in
            logger.log(
                level: death.next == nil ? .critical : .error,
                death.next == nil
                    ? "a durable task is a dead letter: its process died too often"
                    : "a durable task's process died; it is retried later, one such task at a time",
                metadata: death.metadata)
        }
        let broker = try parts?.open(manifest)
        let taskStore = try driver.open(place.path ?? "", role: .process, settings: settings)
        let workers = manifest.workers
        do {
            try taskStore.register(kinds.all.map(\.shape))
            try taskStore.setLimits(kinds.limits, of: kinds.all.map(\.name))
            let outbox = try broker.map { try Outbox(of: taskStore, to: $0, logger: logger) }
            let access = TaskStoreAccess(taskStore: taskStore, outbox: outbox) { [weak self] in
                self?.wake()
            }
            let schedules = Schedules(in: access, kinds: { self.kinds }, logger: logger)
            schedules.use(opening.firesSchedules ? manifest.schedules : [])
            let recovery = try Recovery(
                access, kinds: { self.kinds }, schedules: schedules, dispatch: opening.dispatch,
                logger: logger,
                limit: max(1, min(64, workers.maximum - workers.reservedForRequests)),
                keep: place.keep, keepFailed: place.keepFailed)
            let receipts = try ReceiptFollower(of: taskStore, logger: logger)
            try outbox?.start()
            do {
                try recovery.start()
            } catch {
                outbox?.stop()
                throw error
            }
            opened.withLock {
                $0 = Opened(
                    access: access, broker: broker, recovery: recovery, schedules: schedules,
                    receipts: receipts)
            }
        } catch {
            try? taskStore.close()
            throw error
        }
        logger.info(
            "the task store is open",
            metadata: ["task-store": "\(taskStore.place)", "library": "\(driver.library)"])
    }

    /// Another program may have stored tasks.
    private func noteArrival() {
        guard let opened = opened.withLock({ $0 }) else { return }
        opened.recovery.wake()
        opened.access.outbox?.wake()
    }

    func applyManifest(_ manifest: Manifest) {
        current.withLock { $0 = declared.with(manifest) }
        waiting.withLock { $0.manifest = manifest }
        guard let opened = opened.withLock({ $0 }) else { return }
        opened.schedules.use(manifest.schedules)
        opened.recovery.setLimits()
        opened.recovery.wake()
    }

    func begin(_ key: RequestKey) throws -> RequestKeyState {
        guard let opened = opened.withLock({ $0 }) else { throw NoTaskStore() }
        return try opened.access.begin(key)
    }

    func persist(_ request: PersistedRequest, within transaction: (any RequestTransaction)?) throws {
        guard let opened = opened.withLock({ $0 }) else { throw NoTaskStore() }
        let others = try opened.access.persist(request, within: transaction)
        if !others.isEmpty { opened.recovery.wake() }
    }

    func openAccess() throws -> TaskStoreAccess {
        guard let opened = opened.withLock({ $0 }) else { throw notOpen }
        return opened.access
    }

    func wake() { opened.withLock { $0 }?.recovery.wake() }

    func receipts() throws -> ReceiptFollower {
        guard let opened = opened.withLock({ $0 }) else { throw notOpen }
        return opened.receipts
    }

    func holder(of key: String, name: String) throws -> RecordID? {
        try taskStore.holder(of: key, name: name)
    }
    func record(_ id: RecordID) throws -> Record? { try taskStore.record(id) }
    func newest(of key: String, name: String) throws -> Record? { try taskStore.newest(of: key, name: name) }

    /// Returns the number of tasks that are due and not over, after pending asynchronous writes are in the file.
    func unfinished() throws -> Int {
        try taskStore.flush()
        return try taskStore.unfinished()
    }

    private var taskStore: any RecordStore {
        get throws {
            guard let opened = opened.withLock({ $0 }) else { throw notOpen }
            return opened.access.taskStore
        }
    }

    /// The error of calls that need the task store before it is open: 503, as for requests whose tasks cannot be stored.
    private var notOpen: HTTPError {
        let retryAfter = waiting.withLock { $0.manifest?.overload.retryAfter } ?? .seconds(5)
        return HTTPError(
            .serviceUnavailable, headers: [.retryAfter: "\(retryAfter.components.seconds)"])
    }

    func check(_ task: OutgoingTask, for queue: String) throws {
        guard parts != nil else { throw DurableTaskError.noBroker(task: task.name, queue: queue) }
        guard opened.withLock({ $0 != nil }) else { throw notOpen }
        guard let broker else { throw DurableTaskError.noBrokerAddress(task: task.name, queue: queue) }
        try broker.check(task, for: queue)
    }

    var outages: TaskStoreOutages {
        guard let opened = opened.withLock({ $0 }) else {
            return TaskStoreOutages(store: waiting.withLock { $0.since })
        }
        var outages = opened.access.outbox?.outages ?? TaskStoreOutages()
        outages.store = [outages.store, opened.recovery.outage].compactMap(\.self).min()
        return outages
    }

    func drain() { opened.withLock { $0 }?.access.taskStore.stop() }

    func close() {
        let thread = waiting.withLock { waiting in
            defer { waiting.thread = nil }
            return waiting.thread
        }
        // The thread may be waiting for a lock on the file. Closing does not wait for that.
        thread?.stop(timeout: .milliseconds(200))
        guard let opened = opened.withLock({ $0 }) else { return }
        opened.recovery.stop()
        opened.receipts.stop()
        opened.access.outbox?.stop()
        // If closing fails, the end of the process releases its locks.
        try? opened.access.taskStore.close()
    }
}

/// The task store is not open yet. The core has already checked that the manifest names one.
private struct NoTaskStore: Error, CustomStringConvertible {
    var description: String { "the task store is not open" }
}

extension RecordDeath {
    fileprivate var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = [
            "task": "\(record.name)", "id": "\(record.id)", "request": "\(record.request)",
            "route": "\(record.route)", "deaths": "\(deaths) of \(Self.limit)", "reason": "\(reason)",
        ]
        if let next { metadata["next"] = "\(next.ISO8601Format())" }
        return metadata
    }
}
