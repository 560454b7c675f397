internal import FoundationEssentials
internal import GRDB
internal import PostludeSystem
package import PostludeTaskStore

extension SQLiteTaskStore {
    // The caller does not wait for these changes: they are written with the next transaction. If a crash loses one, the attempt
    // is made again.

    package func started(_ id: RecordID) {
        let beginning = Beginning(at: now)
        updateRunning { running throws(SystemError) in try running.begin(id) }
        beginnings.withLock { $0[id] = beginning }
        writeLater { database in
            guard beginning.take() else { return }
            try database.run(Self.starting, [beginning.time, id.text])
        }
    }

    package func ended(_ id: RecordID, _ end: RecordEnd) {
        let now = now
        beginnings.withLock { beginnings in
            var start: Int64?
            if let beginning = beginnings.removeValue(forKey: id), case .done = end, beginning.join() {
                start = beginning.time
            }
            writeLater { [start, shapes] in
                try Self.end(id, end, since: start, at: now, shapes: shapes, in: $0)
            }
        }
        noteFreePlace(of: id, end, at: now)
        updateRunning { running throws(SystemError) in try running.end(id) }
    }

    /// Makes the key of a record with a limit due if another record waits, which may take its place.
    private func noteFreePlace(of id: RecordID, _ end: RecordEnd, at now: Int64) {
        guard !end.isKept, let key = limits.end(id) else { return }
        writeLater { [settings] database in
            // Otherwise the key is examined at its time, and removed.
            guard try database.number(LimitTables.firstDue, [key.name, key.key]) != nil else { return }
            try database.run(LimitTables.addKey, [key.name, key.key, now])
            settings.arrived()
        }
    }

    package func blame(_ id: RecordID) {
        updateRunning { running throws(SystemError) in try running.blame(id) }
    }

    package func stop() { updateRunning { running throws(SystemError) in try running.stop() } }

    /// Ends a record unless it is over already.
    ///
    /// - Parameters:
    ///   - start: when the attempt of a record that is done began, if that was not written; otherwise nil.
    ///   - shapes: the numbers of shapes, for the records that are added by one that is done.
    static func end(
        _ id: RecordID, _ end: RecordEnd, since start: Int64? = nil, at now: Int64,
        shapes: ShapeNumbers = ShapeNumbers(),
        in database: StoreDatabase
    ) throws {
        switch end {
        case .done(let result, nil):
            try database.run(finishing, [now, result, start == nil ? 0 : 1, start, id.text])
        case .done(let result, let added?):
            // A note that fails does not roll its transaction back.
            try database.atomically {
                try database.run(finishing, [now, result, start == nil ? 0 : 1, start, id.text])
                guard database.changesCount == 1 else { return }
                for request in added.separated {
                    _ = try Appending(request, owner: nil, now: now, shapes: shapes).run(in: database)
                }
            }
        case .again(let error, let time):
            try database.run(postponing, [time.milliseconds, error, id.text])
        case .retrying(let error):
            try database.run(retryingHere, [error, id.text])
        case .failed(let error): try close(id, .failed, error, at: now, in: database)
        case .stopped(let blocker, let error):
            guard try close(id, .failed, error, at: now, in: database) else { return }
            try database.run(namingBlocker, [blocker?.text, id.text])
        case .expired: try close(id, .expired, nil, at: now, in: database)
        case .discarded: try close(id, .discarded, nil, at: now, in: database)
        case .cancelled(let reason):
            try close(id, .cancelled, reason, stopping: .cancelled, at: now, in: database)
            try database.forgetCancellation(of: id)
        case .abandoned(let error):
            try close(id, .discarded, error, stopping: .discarded, at: now, in: database)
        case .postponed(let time, let isKept):
            try database.run(delaying, [isKept ? 1 : 0, time.milliseconds, id.text])
        case .moved(let queue, let reason):
            let number = try QueueTable.number(of: queue, in: database)
            // Records are published in the order of their numbers: it comes before those that were added later.
            try database.run(moving, [number, reason, id.text])
            // It may fail at the broker, too, and the records after it would not be notified.
            if reason != nil, database.changesCount == 1 {
                try database.stopBehind(id, because: .moved(queue: queue), at: now)
            }
        case .released:
            try database.run(releasing, [id.text])
        case .unreadable(let error, let time):
            try database.run(leaving, [time.milliseconds, error, id.text])
        }
    }

    /// - Parameter others: the state of the later records of its request that depend on it.
    /// - Returns: false if the record is over already.
    @discardableResult
    private static func close(
        _ id: RecordID, _ state: RecordState, _ error: String?, stopping others: RecordState = .failed,
        at now: Int64, in database: StoreDatabase
    ) throws -> Bool {
        try database.run(closing, [state.rawValue, now, error, id.text])
        guard database.changesCount == 1 else { return false }
        try database.run(LimitTables.addKeyOfEnded, [now, id.text])
        let reason: StopReason =
            switch state {
            case .expired: .expired
            case .discarded: .discarded
            case .cancelled: .cancelled
            default: .failed
            }
        try database.stopBehind(id, because: reason, at: now, state: others)
        return true
    }

    static let starting: TaskStoreSQL = """
        UPDATE ~record SET state = 1, attempts = attempts + 1, started = ? WHERE id = ? AND state IN (0, 1)
        """
    private static let finishing: TaskStoreSQL = """
        UPDATE ~record SET state = 2, owner = NULL, ended = ?, error = NULL, result = CAST(? AS TEXT),
            attempts = attempts + ?, started = coalesce(?, started)
        WHERE id = ? AND (state < 2 OR state = 6)
        """
    private static let postponing: TaskStoreSQL = """
        UPDATE ~record SET state = 0, owner = NULL, due = ?, error = ? WHERE id = ? AND state IN (0, 1)
        """
    private static let retryingHere: TaskStoreSQL =
        "UPDATE ~record SET state = 0, error = ? WHERE id = ? AND state = 1"
    private static let namingBlocker: TaskStoreSQL = "UPDATE ~record SET stopped_by = ? WHERE id = ?"
    private static let moving: TaskStoreSQL = """
        UPDATE ~record SET state = 6, owner = NULL, queue = ?, error = coalesce(?, error)
        WHERE id = ? AND state IN (0, 1)
        """
    private static let delaying: TaskStoreSQL = """
        UPDATE ~record SET state = 0, owner = CASE ? WHEN 1 THEN owner END, due = ?, expires = NULL,
            attempts = max(0, attempts - (state = 1))
        WHERE id = ? AND state IN (0, 1)
        """
    private static let releasing: TaskStoreSQL = """
        UPDATE ~record SET state = 0, owner = NULL, attempts = max(0, attempts - (state = 1))
        WHERE id = ? AND state IN (0, 1)
        """
    private static let leaving: TaskStoreSQL = """
        UPDATE ~record SET state = 0, owner = NULL, due = ?, error = ?, attempts = max(0, attempts - (state = 1))
        WHERE id = ? AND state IN (0, 1)
        """
    private static let closing: TaskStoreSQL = """
        UPDATE ~record SET state = ?, owner = NULL, ended = ?, error = coalesce(?, error)
        WHERE id = ? AND (state < 2 OR state = 6)
        """
}
