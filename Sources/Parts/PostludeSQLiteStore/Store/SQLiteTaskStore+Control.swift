internal import FoundationEssentials
internal import GRDB
internal import PostludeSystem
package import PostludeTaskStore

extension SQLiteTaskStore {
    package func cancel(
        _ ids: [RecordID], by origin: ActionOrigin?
    ) throws(TaskStoreError) -> [RecordActionResult] {
        let now = now
        let reason = ActionOrigin.reason(origin)
        return try changeRecords(ids, "cancel", by: origin) { record, database in
            switch record.state {
            // Cancelled by this call, with the record before it.
            case .cancelled where try database.isStopped(record, byOneOf: ids): return .changed
            case .waiting where record.owner == nil, .outgoing:
                try Self.end(record.id, .cancelled(reason: reason), at: now, in: database)
                return .changed
            case .waiting, .running:
                try database.run(ControlSQL.cancelling, [record.number, reason])
                try database.run(ControlSQL.advancing)
                return .requested
            case .done, .failed, .expired, .discarded, .published, .cancelled:
                return .refused(in: record.state)
            }
        }
    }

    package func pause(
        _ target: PauseTarget, by origin: ActionOrigin?
    ) throws(TaskStoreError) -> RecordActionResult {
        let (now, columns) = (now, target.columns)
        return try change("pause", target, by: origin) { database in
            if case .record(let id) = target {
                let state = try database.number(ControlSQL.stateOf, [id.text]).flatMap {
                    RecordState(rawValue: $0)
                }
                guard let state else { return .unknown }
                if state.isOver { return .refused(in: state) }
            }
            try database.run(
                ControlSQL.pausing, [columns.number, columns.name, columns.value, now, origin?.who ?? ""])
            return database.changesCount == 1 ? .changed : .refusedAsPaused
        }
    }

    package func resume(
        _ target: PauseTarget, by origin: ActionOrigin?
    ) throws(TaskStoreError) -> RecordActionResult {
        let columns = target.columns
        return try change("resume", target, by: origin) { database in
            try database.run(ControlSQL.resuming, [columns.number, columns.name, columns.value])
            return database.changesCount == 1 ? .changed : .refusedAsNotPaused
        }
    }

    private func change(
        _ action: String, _ target: PauseTarget, by origin: ActionOrigin?,
        _ change: @escaping @Sendable (StoreDatabase) throws -> RecordActionResult
    ) throws(TaskStoreError) -> RecordActionResult {
        try TaskStoreError.checkText(target.columns.name, at: path)
        try TaskStoreError.checkText(target.columns.value, at: path)
        let now = now
        return try write { database in
            let result = try change(database)
            if result == .changed { try database.run(ControlSQL.advancing) }
            if let origin {
                try database.record(
                    action, origin.target ?? target.description, by: origin,
                    result: RecordedAction.result(of: [result]), at: now)
            }
            return result
        }
    }

    package func pauses() throws(TaskStoreError) -> [RecordPause] {
        try read { database in
            try Row.fetchAll(try database.statement(ControlSQL.pauses)).compactMap { row in
                guard let target = PauseTarget(row), let time = row.number(3), let who = row.text(4) else {
                    return nil
                }
                return RecordPause(target: target, since: Date(milliseconds: time), who: who)
            }
        }
    }

    package func control(after stamp: Int64?) throws(TaskStoreError) -> RecordControl? {
        try read { database in
            let current = try database.number(ControlSQL.stamp) ?? 0
            guard current != stamp else { return nil }
            var control = RecordControl()
            control.stamp = current
            let pauses = try Row.fetchAll(try database.statement(ControlSQL.pauses))
            control.paused = Set(pauses.compactMap(PauseTarget.init))
            for row in try Row.fetchAll(try database.statement(ControlSQL.cancellations)) {
                guard let id = row.text(0).flatMap({ RecordID($0) }), let reason = row.text(1) else {
                    continue
                }
                control.cancelled[id] = reason
            }
            return control
        }
    }

    package func actions(before number: Int64?, limit: Int) throws(TaskStoreError) -> [RecordedAction] {
        try read { database in
            try Row.fetchAll(
                try database.statement(ControlSQL.actions), arguments: [number ?? .max, max(0, limit)]
            ).compactMap { row in
                guard let number = row.number(0), let time = row.number(1), let who = row.text(2),
                    let action = row.text(3), let target = row.text(4), let result = row.text(5)
                else { return nil }
                return RecordedAction(
                    number: number, time: Date(milliseconds: time), who: who, action: action, target: target,
                    result: result)
            }
        }
    }
}

extension PauseTarget {
    /// - Returns: nil for a pause of a kind that this program does not know.
    fileprivate init?(_ row: Row) {
        guard let number = row.number(0), let name = row.text(1), let value = row.text(2) else { return nil }
        self.init(number: number, name: name, value: value)
    }
}

/// An invalid value is nil, not a trap.
extension Row {
    fileprivate func text(_ column: Int) -> String? { String.fromDatabaseValue(self[column]) }
    fileprivate func number(_ column: Int) -> Int64? { Int64.fromDatabaseValue(self[column]) }
}

extension StoreDatabase {
    /// Cancels the records that no process has any more, and makes records due again after their pause.
    func followControl(at now: Int64) throws {
        for row in try Row.fetchAll(try statement(ControlSQL.free)) {
            guard let id = row.text(0).flatMap({ RecordID($0) }), let reason = row.text(1) else { continue }
            // One that is over does not change.
            try SQLiteTaskStore.end(id, .cancelled(reason: reason), at: now, in: self)
        }
        for row in try Row.fetchAll(try statement(ControlSQL.pausesThatAreOver)) {
            guard let columns = PauseTarget(row)?.columns else { continue }
            let (number, name, value) = columns
            try run(ControlSQL.makingDue, [number, name, value, PauseBatch.resumed])
            var changes = changesCount
            try run(ControlSQL.addingKeys, [number, name, value, now])
            try run(ControlSQL.makingLimitedDue, [number, name, value, PauseBatch.resumed])
            changes += changesCount
            if changes == 0 { try run(ControlSQL.removingPause, [number, name, value]) }
        }
        try run(ControlSQL.removingUnusedCancellations)
        try run(ControlSQL.removingUnusedPauses)
        if changesCount > 0 { try run(ControlSQL.advancing) }
    }

    /// Removes the cancellation of a record that is over, or runs again.
    func forgetCancellation(of id: RecordID) throws {
        try run(ControlSQL.forgetting, [id.text])
        if changesCount > 0 { try run(ControlSQL.advancing) }
    }

    /// Records an action, and removes the oldest one.
    func record(
        _ action: String, _ target: String, by origin: ActionOrigin, result: String, at now: Int64
    ) throws {
        try run(ControlSQL.recording, [now, origin.who, action, target, result])
        try run(ControlSQL.removingActions, [lastInsertedRowID - Int64(RecordedAction.limit)])
    }
}

/// The statements on pauses, cancellations and actions.
enum ControlSQL {
    /// Whether there is a pause or a cancellation.
    static let isActive: TaskStoreSQL =
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM ~pause) OR EXISTS (SELECT 1 FROM ~cancellation)"
    static let stamp: TaskStoreSQL = "SELECT stamp FROM ~control"
    static let advancing: TaskStoreSQL = "UPDATE ~control SET stamp = stamp + 1"
    static let stateOf: TaskStoreSQL = "SELECT state FROM ~record WHERE id = ?"

    static let pausing: TaskStoreSQL = """
        INSERT INTO ~pause (what, name, value, time, who) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (what, name, value) DO UPDATE SET is_over = 0, time = ?4, who = ?5 WHERE is_over = 1
        """
    static let resuming: TaskStoreSQL =
        "UPDATE ~pause SET is_over = 1 WHERE what = ? AND name = ? AND value = ? AND is_over = 0"
    static let pauses: TaskStoreSQL =
        "SELECT what, name, value, time, who FROM ~pause WHERE is_over = 0 ORDER BY time, name, value"
    static let pausesThatAreOver: TaskStoreSQL = "SELECT what, name, value FROM ~pause WHERE is_over = 1"
    static let removingPause: TaskStoreSQL =
        "DELETE FROM ~pause WHERE what = ? AND name = ? AND value = ? AND is_over = 1"
    static let removingUnusedPauses: TaskStoreSQL = """
        DELETE FROM ~pause WHERE what = \(PauseTarget.recordNumber) AND is_over = 0
            AND NOT EXISTS (SELECT 1 FROM ~record WHERE ~record.id = ~pause.value AND (state < 2 OR state = 6))
        """

    /// Sets aside the due records of a request that are paused.
    static let setAside: TaskStoreSQL = """
        UPDATE ~record SET due = due + \(PausedDue.offset)
        WHERE number >= ?1 AND number < ?2 AND +state = 0 AND +owner IS NULL AND +due <= ?3 AND \(isPaused)
        """
    /// Sets aside those of the records in a JSON array of numbers that are due and paused.
    static let setNumbersAside: TaskStoreSQL = """
        UPDATE ~record SET due = due + \(PausedDue.offset)
        WHERE number IN (SELECT value FROM json_each(?1)) AND +state = 0 AND +owner IS NULL AND +due <= ?2 AND \(isPaused)
        """
    private static let isPaused: TaskStoreSQL = """
        EXISTS (
            SELECT 1 FROM ~pause WHERE is_over = 0 AND (
                (what = \(PauseTarget.kindNumber) AND ~pause.name = ~record.name)
                OR (what = \(PauseTarget.keyNumber) AND ~pause.name = ~record.name AND ~pause.value = ~record.unique_key)
                OR (what = \(PauseTarget.recordNumber) AND ~pause.value = ~record.id)))
        """
    /// Makes records due again that a pause has set aside.
    static let makingDue: TaskStoreSQL = """
        UPDATE ~record SET due = due - \(PausedDue.offset) WHERE number IN (
            SELECT number FROM ~record
            WHERE state = 0 AND owner IS NULL AND limit_key IS NULL AND priority IN (0, 1, 2)
                AND due >= \(PausedDue.offset) AND \(isOfPause)
            LIMIT ?4)
        """
    /// The records with a limit that a pause has set aside. They are not in the same index.
    private static let limitedOfPause: TaskStoreSQL = """
        FROM ~record WHERE limit_key IS NOT NULL AND state = 0 AND owner IS NULL AND due >= \(PausedDue.offset)
            AND \(isOfPause)
        """
    static let makingLimitedDue: TaskStoreSQL = """
        UPDATE ~record SET due = due - \(PausedDue.offset) WHERE number IN (SELECT number \(limitedOfPause) LIMIT ?4)
        """
    /// Has the keys of these records examined at the time ?4.
    static let addingKeys: TaskStoreSQL = """
        INSERT INTO ~limit_key (name, key, due)
        SELECT DISTINCT name, limit_key, ?4 \(limitedOfPause) AND limit_key <> '\(RecordLimit.follower)'
        ON CONFLICT (name, key) DO UPDATE SET due = excluded.due WHERE excluded.due < due
        """
    private static let isOfPause: TaskStoreSQL = """
        CASE ?1 WHEN \(PauseTarget.kindNumber) THEN name = ?2
            WHEN \(PauseTarget.keyNumber) THEN name = ?2 AND unique_key = ?3 ELSE id = ?3 END
        """

    static let cancelling: TaskStoreSQL =
        "INSERT OR IGNORE INTO ~cancellation (record, reason) VALUES (?, ?)"
    static let cancellations: TaskStoreSQL = """
        SELECT id, reason FROM ~cancellation CROSS JOIN ~record ON ~record.number = ~cancellation.record
        """
    /// The cancelled records that are over, or that no process has.
    static let free: TaskStoreSQL = """
        \(cancellations) WHERE NOT (state = 1 OR (state = 0 AND owner IS NOT NULL))
        """
    static let forgetting: TaskStoreSQL =
        "DELETE FROM ~cancellation WHERE record = (SELECT number FROM ~record WHERE id = ?)"

    static let removingUnusedCancellations: TaskStoreSQL =
        "DELETE FROM ~cancellation WHERE NOT EXISTS (SELECT 1 FROM ~record WHERE number = ~cancellation.record)"

    static let recording: TaskStoreSQL =
        "INSERT INTO ~action (time, who, action, target, result) VALUES (?, ?, ?, ?, ?)"
    static let removingActions: TaskStoreSQL = "DELETE FROM ~action WHERE number <= ?"
    static let actions: TaskStoreSQL = """
        SELECT number, time, who, action, target, result FROM ~action WHERE number < ? ORDER BY number DESC LIMIT ?
        """
}
