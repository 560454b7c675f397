internal import PostludeSystem
package import PostludeTaskStore

extension PostgreSQLTaskStore {
    package func retry(
        _ ids: [RecordID], by origin: ActionOrigin?
    ) throws(TaskStoreError) -> [RecordActionResult] {
        let now = StatementValue.integer(now)
        return try changeRecords(ids, "retry", by: origin) { record, session in
            switch record.state {
            case .running, .outgoing: return .refused(in: record.state)
            case .waiting where record.owner != nil: return .refusedAsOwned
            default: break
            }
            if let other = try session.blocker(of: record) { return .refused(behind: other) }
            let followers = try session.allStopped(by: record.id)
            for record in [record] + followers where record.state.isOver {
                guard let key = record.uniqueKey, let other = try session.holder(of: key, name: record.name)
                else { continue }
                return .refused(asKeyOf: other)
            }
            // A record for a broker goes to the outbox again.
            let state = record.state != .waiting && record.queue != nil ? RecordState.outgoing : .waiting
            try session.run(
                Self.retry,
                [.integer(state.rawValue), now, .integer(Int64(record.deaths)), .integer(record.number)])
            try session.run("DELETE FROM postlude.suspect WHERE record = $1", [.integer(record.number)])
            try session.run("SELECT postlude.forget_cancellation($1)::text", [.id(record.id)])
            // A dead letter continues after its steps.
            if record.state == .done {
                try session.run("DELETE FROM postlude.step WHERE record = $1", [.integer(record.number)])
            }
            try session.run(
                "UPDATE postlude.record SET limit_key = NULL WHERE number = $1 AND limit_key = $2",
                [.integer(record.number), .text(RecordLimit.follower)])
            try session.noteLimit(of: record)
            for follower in followers { try session.revive(follower, at: now) }
            return .changed
        }
    }

    private static let retry = """
        UPDATE postlude.record SET attempts = CASE state WHEN 0 THEN attempts - $3 ELSE 0 END, state = $1, due = $2,
            owner = NULL, started = NULL, ended = NULL, result = NULL, stopped_by = NULL, progress = NULL, interruptions = 0,
            expires = CASE WHEN expires <= $2 THEN NULL ELSE expires END
        WHERE number = $4
        """

    package func discard(
        _ ids: [RecordID], by origin: ActionOrigin?
    ) throws(TaskStoreError) -> [RecordActionResult] {
        let now = StatementValue.integer(now)
        return try changeRecords(ids, "discard", by: origin) { record, session in
            switch record.state {
            // Discarded by this call, with the record before it.
            case .discarded where try session.isStopped(record, byOneOf: ids): return .changed
            case .running, .done, .published, .discarded, .cancelled: return .refused(in: record.state)
            case .waiting where record.owner != nil: return .refusedAsOwned
            default: break
            }
            let end = "UPDATE postlude.record SET state = 5, owner = NULL, ended = $1 WHERE number = $2"
            try session.run(end, [now, .integer(record.number)])
            try session.noteLimit(of: record)
            for follower in try session.allStopped(by: record.id) {
                try session.run(end, [now, .integer(follower.number)])
            }
            try session.run(
                "SELECT postlude.stop_after($1, $2, $3, 5)::text",
                [.id(record.id), .text(StopReason.discarded.verb), now])
            return .changed
        }
    }

    /// Changes records, and records that.
    func changeRecords(
        _ ids: [RecordID], _ action: String, by origin: ActionOrigin?,
        _ change: (RecordSummary, Session) throws -> RecordActionResult
    ) throws(TaskStoreError) -> [RecordActionResult] {
        try self.change { session, _ in
            let dead = try deadOwners(in: session)
            let numbers = try ids.map { id in
                try session.number("SELECT number FROM postlude.record WHERE id = $1", [.id(id)]) ?? 0
            }
            var results = [RecordActionResult](repeating: .unknown, count: ids.count)
            // Oldest first: later records may depend on earlier ones.
            for index in ids.indices.sorted(by: { numbers[$0] < numbers[$1] }) where numbers[index] > 0 {
                let number = StatementValue.integer(numbers[index])
                // Others that change it wait, or are waited for.
                try session.run("SELECT number FROM postlude.record WHERE number = $1 FOR UPDATE", [number])
                guard var record = try session.summaries("WHERE number = $1", [number]).first else {
                    continue
                }
                if let owner = dead.first(where: { $0.number == record.owner }),
                    try Self.declareDead(owner, in: session)
                {
                    // It does not run any more.
                    record.owner = nil
                    if record.state == .running { record.state = .waiting }
                }
                results[index] = try change(record, session)
            }
            if let origin {
                try record(
                    action, RecordedAction.target(of: ids, origin), by: origin,
                    result: RecordedAction.result(of: results), in: session)
            }
            if results.contains(.changed) || results.contains(.requested) {
                try session.run("SELECT pg_notify('postlude', '')::text")
            }
            return results
        }
    }
}

extension Session {
    /// Returns the dead letters that a record has caused, directly or through others.
    fileprivate func allStopped(by id: RecordID) throws(PostgreSQLError) -> [RecordSummary] {
        var all: [RecordSummary] = []
        var blockers = [id]
        // This ends, because a record has one blocker, which precedes it.
        while let blocker = blockers.popLast() {
            let stopped = try summaries(
                """
                WHERE number IN (SELECT number FROM postlude.record WHERE stopped_by = $1 AND state = 3) ORDER BY number
                """,
                [.id(blocker)])
            all += stopped
            blockers += stopped.map(\.id)
        }
        return all
    }

    /// Lets a record run, after the one that has kept it from running was retried.
    fileprivate func revive(_ record: RecordSummary, at now: StatementValue) throws(PostgreSQLError) {
        try run(
            """
            UPDATE postlude.record SET state = 0, due = greatest(due, $1), ended = NULL, error = NULL, stopped_by = NULL,
                attempts = 0, expires = CASE WHEN expires <= $1 THEN NULL ELSE expires END
            WHERE number = $2
            """,
            [now, .integer(record.number)])
        try run("DELETE FROM postlude.suspect WHERE record = $1", [.integer(record.number)])
        try noteLimit(of: record)
    }

    func isStopped(
        _ record: RecordSummary, byOneOf ids: [RecordID]
    ) throws(PostgreSQLError) -> Bool {
        try number(
            "SELECT count(*) FROM postlude.record WHERE number = $1 AND stopped_by = ANY ($2)",
            [.integer(record.number), .ids(ids)]) == 1
    }

    /// Returns the record that has kept another one from running, if it is a dead letter or has expired; nil if the other one
    /// may run.
    fileprivate func blocker(of record: RecordSummary) throws(PostgreSQLError) -> RecordSummary? {
        try summaries(
            """
            WHERE number = (
                SELECT b.number FROM postlude.record r JOIN postlude.record b ON b.id = r.stopped_by
                WHERE r.number = $1 AND b.state IN (3, 4))
            """,
            [.integer(record.number)]
        ).first
    }
}
