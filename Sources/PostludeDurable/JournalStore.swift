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
}

/// Keeps durable tasks in the manifest's journal.
final class JournalStore: DurableTaskStore {
    let kinds: DurableTaskKinds
    private let opened = Lock<(journal: Journal, recovery: Recovery)?>(nil)

    init(kinds: DurableTaskKinds) { self.kinds = kinds }

    func open(_ manifest: Manifest, dispatch: TaskDispatch, logger: Logger) throws {
        guard let place = manifest.journal else { throw NoJournal() }
        var settings = JournalSettings()
        settings.lockTimeout = place.lockTimeout
        settings.report = { error in
            logger.error(
                "what became of tasks could not be written to the journal", metadata: ["error": "\(error)"])
        }
        let journal = try Journal(path: place.path, settings: settings)
        let workers = manifest.workers
        do {
            let recovery = try Recovery(
                journal, kinds: kinds, dispatch: dispatch, logger: logger,
                limit: max(1, min(64, workers.maximum - workers.reservedForRequests)),
                keep: place.keep, keepFailed: place.keepFailed)
            try recovery.start()
            opened.withLock { $0 = (journal, recovery) }
        } catch {
            try? journal.close()
            throw error
        }
        logger.info("the journal is open", metadata: ["journal": "\(journal.path)"])
    }

    func keep(_ tasks: [any StoredTask], of request: TaskOrigin, runsHere: Bool) throws {
        guard let (journal, recovery) = opened.withLock({ $0 }) else { throw NoJournal() }
        // The others stand for tasks that are there.
        let tasks = tasks.compactMap { $0 as? JournalTask }
        guard !tasks.isEmpty else { return }
        var records = NewRequest(id: request.requestID, records: tasks.map(\.record))
        records.runsHere = runsHere
        let kept = try journal.append(records)
        for (task, kept) in zip(tasks, kept) { task.kept(kept, in: journal, runsHere: runsHere) }
        if tasks.contains(where: { !$0.runsHere }) { recovery.wake() }
    }

    func holder(of key: String, name: String) throws -> RecordID? {
        try opened.withLock { $0?.journal }?.holder(of: key, name: name)
    }

    func close() {
        guard let (journal, recovery) = opened.withLock({ $0 }) else { return }
        recovery.stop()
        // Where it cannot be closed, the process's end releases what it has.
        try? journal.close()
    }
}

/// What the core has checked before.
private struct NoJournal: Error, CustomStringConvertible {
    var description: String { "the journal is not open" }
}

/// Keeps nothing, for tests without a server: tasks run in their process or not at all.
final class OfflineStore: DurableTaskStore {
    let kinds: DurableTaskKinds

    init(kinds: DurableTaskKinds) { self.kinds = kinds }

    func open(_ manifest: Manifest, dispatch: TaskDispatch, logger: Logger) throws {}
    func keep(_ tasks: [any StoredTask], of request: TaskOrigin, runsHere: Bool) throws {}
    func holder(of key: String, name: String) throws -> RecordID? { nil }
    func close() {}
}
