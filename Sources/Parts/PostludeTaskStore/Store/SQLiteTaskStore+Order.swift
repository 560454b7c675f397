internal import GRDB

// The order of a request's records: what stands after one that stops the others on failure runs only after that one has
// succeeded. A record's end and the end of those after it share a transaction.

extension Database {
    /// A record has not succeeded: if it stops the others, those after it in its request become dead letters that name
    /// it. They run if it is retried.
    ///
    /// - Parameters:
    ///   - reason: goes on after "the task NAME ID before it".
    ///   - state: what they become.
    func stopBehind(
        _ id: RecordID, because reason: String, at now: Int64, state: RecordState = .failed
    ) throws {
        guard let record = try records("WHERE id = ? AND stops = 1", [id.text]).first,
            let head = try number(Claim.headOf, [record.number])
        else { return }
        let end = try number(Claim.behind, [head]) ?? .max
        try run(
            RecordOrder.stopBehind,
            [
                state.rawValue, now, id.text, "the task \(record.name) \(id) before it \(reason)",
                record.number,
                end,
            ])
    }

    /// The dead letters that a record has made, and those that they have made.
    func allStopped(by id: RecordID) throws -> [RecordSummary] {
        var all: [RecordSummary] = []
        var blockers = [id]
        // A record has one blocker, which stands before it: this ends.
        while let blocker = blockers.popLast() {
            let stopped = try summaries(RecordOrder.stopped, [blocker.text])
            all += stopped
            blockers += stopped.map(\.id)
        }
        return all
    }

    /// A record that another one has kept from running runs after it.
    func revive(_ record: RecordSummary, at now: Int64) throws {
        try run(
            """
            UPDATE record SET state = 0, due = max(due, ?1), ended = NULL, error = NULL, stopped_by = NULL, attempts = 0,
                expires = CASE WHEN expires <= ?1 THEN NULL ELSE expires END
            WHERE number = ?2
            """,
            [now, record.number])
        try run("DELETE FROM suspect WHERE record = ?", [record.number])
    }

    func isStopped(_ record: RecordSummary, byOneOf ids: [RecordID]) throws -> Bool {
        let sql = "SELECT stopped_by FROM record WHERE number = ?"
        let blocker = try String.fetchOne(try cachedStatement(sql: sql), arguments: [record.number])
        return ids.contains { $0.text == blocker }
    }

    /// The record that has kept another one from running, if that has not succeeded since; nil if the other one may run.
    func blocker(of record: RecordSummary) throws -> RecordSummary? {
        try summaries(RecordOrder.blocker, [record.number]).first
    }

    /// The first record of a request that stops the others, is not over, and cannot be claimed now.
    func firstOpen(of head: Int64, at now: Int64) throws -> Int64? {
        try number(RecordOrder.firstOpen, [head, now])
    }
}

/// The statements of this file.
enum RecordOrder {
    static let stopBehind = """
        UPDATE record SET state = ?, owner = NULL, ended = ?, stopped_by = ?, error = ?
        WHERE number > ? AND number < ? AND +state = 0
        """
    static let stopped = """
        INDEXED BY record_stopped WHERE stopped_by = ? AND state = 3 ORDER BY record.number
        """
    static let blocker = "WHERE id = (SELECT stopped_by FROM record WHERE number = ?) AND state IN (3, 4)"
    static let firstOpen = """
        SELECT number FROM record INDEXED BY record_stops
        WHERE head = ?1 AND stops = 1 AND state IN (0, 1)
            AND NOT (state = 0 AND owner IS NULL AND due <= ?2 AND (expires IS NULL OR expires > ?2))
        ORDER BY number LIMIT 1
        """
}
