internal import GRDB
internal import PostludeTaskStore

// The order of a request's records: those after a record that stops the others on failure run only after it has succeeded. A
// record and those that it stops are ended by one transaction.

extension StoreDatabase {
    /// Ends the records after one that has not succeeded, if it stops the others on failure: they become dead letters that name
    /// it, and run if it is retried.
    ///
    /// - Parameter state: their new state.
    func stopBehind(
        _ id: RecordID, because reason: StopReason, at now: Int64, state: RecordState = .failed
    ) throws {
        guard let record = try records(RecordOrder.thatStops, [id.text]).first,
            let head = try number(Claim.headOf, [record.number])
        else { return }
        let end = try number(Claim.behind, [head]) ?? .max
        try run(LimitTables.addKeysBehind, [now, record.number, end])
        try run(
            RecordOrder.stopBehind,
            [
                state.rawValue, now, id.text, reason.error(behind: record.summary), record.number, end,
            ])
    }

    /// Returns the dead letters that a record has caused, directly or through others.
    func allStopped(by id: RecordID) throws -> [RecordSummary] {
        var all: [RecordSummary] = []
        var blockers = [id]
        // This ends, because a record has one blocker, which precedes it.
        while let blocker = blockers.popLast() {
            let stopped = try summaries(RecordOrder.stopped, [blocker.text])
            all += stopped
            blockers += stopped.map(\.id)
        }
        return all
    }

    /// Lets a record run, after the one that has kept it from running was retried.
    func revive(_ record: RecordSummary, at now: Int64) throws {
        try run(RecordOrder.revival, [now, record.number])
        try run(LimitTables.addKeyOfRecord, [record.number])
        try run(RecordOrder.forgetDeaths, [record.number])
    }

    func isStopped(_ record: RecordSummary, byOneOf ids: [RecordID]) throws -> Bool {
        let blocker = try text(RecordOrder.blockerID, [record.number])
        return ids.contains { $0.text == blocker }
    }

    /// Returns the record that has kept another one from running, if it is a dead letter or has expired; nil if the other one
    /// may run.
    func blocker(of record: RecordSummary) throws -> RecordSummary? {
        try summaries(RecordOrder.blocker, [record.number]).first
    }

    /// Returns the number of the first record of a request that stops the others, is not over, and cannot be claimed now.
    func firstOpen(of head: Int64, at now: Int64) throws -> Int64? {
        try number(RecordOrder.firstOpen, [head, now])
    }
}

/// The statements of this file.
enum RecordOrder {
    static let thatStops = RecordRow.selecting("WHERE id = ? AND stops = 1")
    static let stopBehind: TaskStoreSQL = """
        UPDATE ~record SET state = ?, owner = NULL, ended = ?, stopped_by = ?, error = ?
        WHERE number > ? AND number < ? AND +state = 0
        """
    static let stopped = RecordRow.selectingSummaries(
        "INDEXED BY ~record_stopped WHERE stopped_by = ? AND state = 3 ORDER BY ~record.number")
    static let blockerID: TaskStoreSQL = "SELECT stopped_by FROM ~record WHERE number = ?"
    static let blocker = RecordRow.selectingSummaries("WHERE id = (\(blockerID)) AND state IN (3, 4)")
    static let revival: TaskStoreSQL = """
        UPDATE ~record SET state = 0, due = max(due, ?1), ended = NULL, error = NULL, stopped_by = NULL, attempts = 0,
            expires = CASE WHEN expires <= ?1 THEN NULL ELSE expires END
        WHERE number = ?2
        """
    static let forgetDeaths: TaskStoreSQL = "DELETE FROM ~suspect WHERE record = ?"
    static let firstOpen: TaskStoreSQL = """
        SELECT number FROM ~record INDEXED BY ~record_stops
        WHERE head = ?1 AND stops = 1 AND state IN (0, 1)
            AND NOT (state = 0 AND owner IS NULL AND limit_key IS NULL AND due <= ?2 AND (expires IS NULL OR expires > ?2))
        ORDER BY number LIMIT 1
        """
}
