internal import FoundationEssentials
internal import Journal
internal import Linux
internal import Logging
internal import Manifest
internal import Postlude

/// A store that knows kinds of durable tasks.
protocol DurableTaskStore: TaskStore {
    var kinds: DurableTaskKinds { get }

    /// - Returns: the task of that name that is not over and has a unique key.
    func holder(of key: String, name: String) throws -> RecordID?

    func record(_ id: RecordID) throws -> Record?

    /// - Returns: the newest task of that name that has a unique key, over or not.
    func newest(of key: String, name: String) throws -> Record?

    /// What tells of tasks that have left; nil where the application has no broker, or is not served.
    var broker: (any OpenTaskBroker)? { get }

    /// Checks what is to be kept for a queue.
    ///
    /// - Throws: also where the application has no broker.
    func check(_ task: OutgoingTask, for queue: String) throws
}

/// A journal, and who is told of what is kept in it for others.
struct JournalAccess: Sendable {
    let journal: Journal
    /// nil where the application has no broker.
    let outbox: Outbox?

    /// Keeps a request's tasks, all of them or none.
    ///
    /// - Returns: those that somebody else is to run.
    @discardableResult
    func keep(
        _ tasks: [any StoredTask], of request: TaskOrigin, runsHere: Bool
    ) throws -> [any RecordedTask] {
        let tasks = tasks.compactMap { $0 as? any RecordedTask }
        guard !tasks.isEmpty else { return [] }
        var new = NewRequest(
            id: request.requestID, route: request.route,
            records: Self.inOrder(tasks.map(\.record), stoppingOnFailure: request.stopsOnFailure))
        new.runsHere = runsHere
        let kept = try journal.append(new)
        for ((task, record), kept) in zip(zip(tasks, new.records), kept) {
            task.kept(kept, as: record, of: request, in: self, runsHere: runsHere)
        }
        if new.records.contains(where: { $0.queue != nil && !$0.leavesInTurn }) { outbox?.ring() }
        return tasks.filter { !$0.runsHere && $0.record.queue == nil }
    }

    /// What stands behind a task that stops those behind it does not leave before that has succeeded.
    private static func inOrder(_ records: [NewRecord], stoppingOnFailure stopsAll: Bool) -> [NewRecord] {
        var records = records
        var isBehind = false
        for index in records.indices {
            if stopsAll { records[index].stopsOnFailure = true }
            records[index].leavesInTurn = isBehind && records[index].queue != nil
            isBehind = isBehind || records[index].stopsOnFailure
        }
        return records
    }
}

/// Keeps durable tasks in the manifest's journal.
final class JournalStore: DurableTaskStore {
    /// As the application's code has them.
    private let declared: DurableTaskKinds
    private let current: Lock<DurableTaskKinds>
    private let parts: (any TaskBrokerParts)?
    private let opened = Lock<Opened?>(nil)

    private struct Opened {
        let access: JournalAccess
        let broker: (any OpenTaskBroker)?
        let recovery: Recovery
        let schedules: Schedules
    }

    init(kinds: DurableTaskKinds, broker: TaskBroker? = nil) {
        declared = kinds
        current = Lock(kinds)
        parts = broker?.parts
    }

    var kinds: DurableTaskKinds { current.withLock { $0 } }

    var broker: (any OpenTaskBroker)? { opened.withLock { $0?.broker } }

    func open(_ manifest: Manifest, dispatch: any TaskTaking, logger: Logger) throws {
        try open(manifest, dispatch: dispatch, logger: logger, firesSchedules: true)
    }

    /// - Parameter firesSchedules: whether the process also adds tasks, or only runs what is there.
    func open(_ manifest: Manifest, dispatch: any TaskTaking, logger: Logger, firesSchedules: Bool) throws {
        guard let place = manifest.journal else { throw NoJournal() }
        current.withLock { $0 = declared.with(manifest) }
        var settings = JournalSettings()
        settings.lockTimeout = place.lockTimeout
        settings.report = { error in
            logger.error(
                "what became of tasks could not be written to the journal", metadata: ["error": "\(error)"])
        }
        settings.warn = { logger.warning("\($0)") }
        let broker = try parts?.open(manifest)
        let journal = try Journal(path: place.path, settings: settings)
        let workers = manifest.workers
        do {
            let outbox = try broker.map { try Outbox(of: journal, to: $0, logger: logger) }
            let access = JournalAccess(journal: journal, outbox: outbox)
            let schedules = Schedules(in: access, kinds: { self.kinds }, logger: logger)
            schedules.use(firesSchedules ? manifest.schedules : [])
            let recovery = try Recovery(
                access, kinds: { self.kinds }, schedules: schedules, dispatch: dispatch, logger: logger,
                limit: max(1, min(64, workers.maximum - workers.reservedForRequests)),
                keep: place.keep, keepFailed: place.keepFailed)
            try outbox?.start()
            do {
                try recovery.start()
            } catch {
                outbox?.stop()
                throw error
            }
            opened.withLock {
                $0 = Opened(
                    access: access, broker: broker, recovery: recovery, schedules: schedules)
            }
        } catch {
            try? journal.close()
            throw error
        }
        logger.info(
            "the journal is open",
            metadata: ["journal": "\(journal.path)", "library": "\(SQLiteVersion.library)"])
    }

    func use(_ manifest: Manifest) {
        current.withLock { $0 = declared.with(manifest) }
        guard let opened = opened.withLock({ $0 }) else { return }
        opened.schedules.use(manifest.schedules)
        opened.recovery.wake()
    }

    func keep(_ tasks: [any StoredTask], of request: TaskOrigin, runsHere: Bool) throws {
        guard let opened = opened.withLock({ $0 }) else { throw NoJournal() }
        let others = try opened.access.keep(tasks, of: request, runsHere: runsHere)
        if !others.isEmpty { opened.recovery.wake() }
    }

    func holder(of key: String, name: String) throws -> RecordID? { try journal.holder(of: key, name: name) }
    func record(_ id: RecordID) throws -> Record? { try journal.record(id) }
    func newest(of key: String, name: String) throws -> Record? { try journal.newest(of: key, name: name) }

    /// How many tasks are due, and not over; what was noted before counts.
    func unfinished() throws -> Int {
        try journal.flush()
        return try journal.unfinished()
    }

    private var journal: Journal {
        get throws {
            guard let opened = opened.withLock({ $0 }) else { throw NoJournal() }
            return opened.access.journal
        }
    }

    func check(_ task: OutgoingTask, for queue: String) throws {
        guard parts != nil else { throw DurableTaskError.noBroker(task: task.name, queue: queue) }
        guard let broker else { throw DurableTaskError.noBrokerAddress(task: task.name, queue: queue) }
        try broker.check(task, for: queue)
    }

    func close() {
        guard let opened = opened.withLock({ $0 }) else { return }
        opened.recovery.stop()
        opened.access.outbox?.stop()
        // Where it cannot be closed, the process's end releases what it has.
        try? opened.access.journal.close()
    }
}

/// What the core has checked before.
private struct NoJournal: Error, CustomStringConvertible {
    var description: String { "the journal is not open" }
}
