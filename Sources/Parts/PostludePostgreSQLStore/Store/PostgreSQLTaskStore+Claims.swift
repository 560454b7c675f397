package import FoundationEssentials
internal import Glibc
internal import PostludeSystem
package import PostludeTaskStore

extension PostgreSQLTaskStore {
    package func claim(_ limit: Int, takingSuspect: Bool) throws(TaskStoreError) -> [ClaimedRequest] {
        guard life != nil else { throw refusal("a visitor runs no tasks") }
        let now = now
        let isClockBehind = noteClaim(at: now)
        do {
            // The order of these steps matters: what is not known then has either a smaller number, or a note that is written.
            var known = try knownRecords()
            if writer.hasNotes { try writer.flush() }
            try releaseDead(at: now)
            return try pool.with { session, _ in
                let context = try context
                do throws(PostgreSQLError) {
                    return try take(limit, takingSuspect, at: now, isClockBehind, known, context, in: session)
                } catch {
                    known = nil
                    throw error
                }
            }
        } catch {
            throw TaskStoreError(place, error)
        }
    }

    /// The records that this process knew of at one time.
    private struct KnownRecords {
        let ids: [RecordID]
        /// Larger than the numbers of all records that existed before that time.
        let end: Int64
        /// The number of ``HeldRecords/incompletenesses`` at that time.
        let count: Int
    }

    /// Returns the records that this process knows of, if it may own others because it did not get the result of a claim;
    /// otherwise nil.
    private func knownRecords() throws -> KnownRecords? {
        guard held.withLock({ $0.isIncomplete }) else { return nil }
        // Read first: a record that is appended after the ids were read has a larger number.
        let last = try pool.with { session, _ in
            try session.number("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM postlude.block")
        }
        return held.withLock { held in
            KnownRecords(
                ids: Array(held.ids.union(held.appending)), end: ((last ?? 0) + 1) << 16,
                count: held.incompletenesses)
        }
    }

    /// Claims requests in one transaction and one round trip.
    private func take(
        _ limit: Int, _ takingSuspect: Bool, at now: Int64, _ isClockBehind: Bool, _ known: KnownRecords?,
        _ context: WriteContext, in session: Session
    ) throws(PostgreSQLError) -> [ClaimedRequest] {
        var statements = WriteQueue.beginning(context)
        let applied = limits.limits
        if !applied.isEmpty {
            statements.append(lockLimits(applied))
            writer.beginClaim()
        }
        defer { if !applied.isEmpty { writer.endClaim() } }
        if let known {
            statements.append(
                Statement(
                    Self.freeUnknown,
                    [.integer(context.owner), .integer(now), .ids(known.ids), .integer(known.end)]))
        }
        if isClockBehind {
            statements.append(Statement(Self.correctDueTimes, [.integer(now)]))
            if !applied.isEmpty { statements.append(Statement(Self.correctLimited, [.integer(now)])) }
        }
        statements.append(
            Statement(
                "SELECT postlude.close_expired($1, $2)::text",
                [.integer(now), .text(StopReason.expired.verb)]))
        let arguments: [StatementValue] = [
            .integer(context.owner), .integer(now), .integer(Int64(max(0, limit))), .boolean(takingSuspect),
            .integers(leftShapes.sorted()),
        ]
        statements.append(
            applied.isEmpty
                ? Statement(Self.take, arguments)
                : Statement(
                    Self.takeWithLimits,
                    arguments + limitArguments(applied, startingWithThem: limits.takeTurn())))
        statements.append(Statement("COMMIT"))
        do throws(PostgreSQLError) {
            let rows = try WriteQueue.results(of: try session.pipeline(statements), session)
            guard rows.count == statements.count, rows.last?.command == "COMMIT" else {
                throw .unexpected("no commit")
            }
            return try requests(rows[rows.count - 2], owner: context.owner, known)
        } catch {
            if error.isDisconnected { held.withLock { $0.noteIncompleteness() } }
            if error.state == PostgreSQLError.declaredDead, let owner = context.owner {
                life?.noteLoss(of: owner)
            }
            throw error
        }
    }

    private func requests(
        _ rows: Rows, owner: Int64?, _ known: KnownRecords?
    ) throws(PostgreSQLError) -> [ClaimedRequest] {
        let lines = RecordRows(rows, offset: 1)
        var requests: [ClaimedRequest] = []
        var place: Int64?
        var taken: [(id: RecordID, isTakenOver: Bool)] = []
        for row in 0..<rows.count {
            let record = try lines.record(row)
            taken.append((record.id, try lines.takeovers(row) > 0))
            let next = try rows.integer(row, 0)
            if next != place {
                requests.append(ClaimedRequest(id: record.request, route: record.route, records: []))
                place = next
            }
            requests[requests.count - 1].records.append(record)
        }
        held.withLock { held in
            if let known { held.noteCompleteness(since: known.count) }
            for record in taken {
                held.ids.insert(record.id)
                if record.isTakenOver { held.takenOver.insert(record.id) }
            }
        }
        limits.note(requests)
        return requests
    }

    private static let take =
        "SELECT c.place, \(RecordRows.columns(of: "c.line")) FROM postlude.claim($1, $2, $3, $4, $5) c"

    /// Frees records that this process owns and does not know of, because it did not get the result of a claim.
    private static let freeUnknown = """
        WITH freed AS (
            UPDATE postlude.record SET owner = NULL, due = least(due, $2)
            WHERE owner = $1 AND state = 0 AND number < $4 AND NOT id = ANY ($3)
            RETURNING name, limit_key
        )
        INSERT INTO postlude.limit_event (name, key) SELECT DISTINCT name, limit_key FROM freed
        WHERE limit_key <> '\(RecordLimit.follower)'
        """
    /// Makes records that were to run at once due now, if the clock was set back after they were added.
    private static let correctDueTimes = """
        UPDATE postlude.record SET due = $1
        WHERE state = 0 AND owner IS NULL AND limit_key IS NULL AND priority IN (0, 1, 2) AND due > $1 AND due = added
        """

    private static let correctLimited = """
        WITH corrected AS (
            UPDATE postlude.record SET due = $1
            WHERE state = 0 AND owner IS NULL AND limit_key IS NOT NULL AND due > $1 AND due = added
            RETURNING name, limit_key
        )
        INSERT INTO postlude.limit_event (name, key) SELECT DISTINCT name, limit_key FROM corrected
        """

    package func nextDue(takingSuspect: Bool) throws(TaskStoreError) -> Date? {
        let (now, names, left) = (now, limits.limits.map(\.name), leftShapes.sorted())
        return try read { session in
            let others = try session.number(Self.next, [.boolean(takingSuspect), .integers(left)])
            let limited = names.isEmpty ? nil : try nextLimited(names, at: now, in: session)
            return [others, limited].compactMap(\.self).min()
        }.map(Date.init(milliseconds:))
    }

    private static let next: String = {
        let unsuspected = RecordPriority.allCases.map { priority in
            """
            (SELECT r.due FROM postlude.record r
            WHERE r.state = 0 AND r.owner IS NULL AND r.limit_key IS NULL AND r.priority = \(priority.rawValue)
                AND NOT coalesce(r.shape = ANY ($2), false) AND NOT postlude.is_suspected(r.number)
            ORDER BY r.due LIMIT 1)
            """
        }
        return """
            SELECT min(due) FROM (
                \(unsuspected.joined(separator: " UNION ALL "))
                UNION ALL SELECT d.due FROM postlude.suspect s JOIN postlude.record d ON d.number = s.record
                WHERE $1 AND d.state = 0 AND d.owner IS NULL AND d.limit_key IS NULL
                    AND NOT coalesce(d.shape = ANY ($2), false)
            ) AS next
            """
    }()

    // MARK: Dead owners

    /// Frees the records of dead owners, in whole requests.
    private func releaseDead(at now: Int64) throws {
        let dead = try pool.with { session, _ in try deadOwners(in: session) }
        for other in dead {
            let evidence = Evidence(of: other, in: self)
            var exhausted: [RecordID] = []
            let isGone = try pool.with { session, deadline in
                try session.transaction(until: deadline) { session in
                    guard try Self.declareDead(other, in: session) else { return false }
                    let release = OwnerRelease(session, of: other, evidence, now: now)
                    let (deaths, interrupted) = try release.run()
                    exhausted = interrupted
                    // Reported before the commit: even if this process dies then, each death is reported at least once.
                    for death in deaths { settings.died(death) }
                    return try release.removeIfEmpty()
                }
            }
            if isGone, other.isHere { removeRunning(of: other.number) }
            for id in exhausted {
                settings.warn("the task \(id) is a dead letter: \(RecordInterruption.error)")
            }
        }
    }

    /// Returns the other owners that are dead.
    func deadOwners(in session: Session) throws(PostgreSQLError) -> [OwnerRow] {
        let number = life?.number ?? 0
        let others = try OwnerRow.all(try session.run(OwnerRow.others, [.integer(number)]))
        let mayBeDead = others.contains { $0.isDead || $0.isGone }
        guard mayBeDead || life?.seesFreeLocks ?? true else { return [] }
        // The locks of a process are free a moment after its end.
        for _ in 1...100 {
            let rows = try OwnerRow.all(try session.run(OwnerRow.othersWithLocks, [.integer(number)]))
            if !rows.contains(where: { $0.isGone && $0.isHeld }) {
                return life?.dead(among: rows) ?? rows.filter { FreeLocks().isDead($0, at: .now) }
            }
            usleep(5_000)
        }
        return []
    }

    /// Declares an owner dead, unless one of its sessions holds its lock again. From then on it can note nothing.
    ///
    /// - Returns: whether it is dead.
    static func declareDead(_ other: OwnerRow, in session: Session) throws(PostgreSQLError) -> Bool {
        let lock = """
            SELECT pg_try_advisory_xact_lock(\(StoreSchema.LockClass.owner), $1::bigint::integer)
            """
        guard try session.run(lock, [.integer(other.number)]).boolean(0, 0) else { return false }
        let sql = "UPDATE postlude.owner SET is_dead = true WHERE number = $1"
        return try session.run(sql, [.integer(other.number)]).changes == 1
    }

    /// Returns how a process of this machine has ended. Waits up to 200 ms, because its locks are free a moment before its
    /// parent knows the end.
    fileprivate func end(of pid: Int64) -> ProcessEnd {
        for _ in 1...40 {
            let end = settings.end(pid)
            guard end == .pending else { return end }
            usleep(5_000)
        }
        return .unknown
    }
}

/// What is known about the records that a dead owner ran.
private struct Evidence {
    /// The records that have caused its end, or may have; nil if only the server knows which ones ran.
    let blamed: [(id: RecordID, attempt: RunningRecords.Attempt)]?
    let end: ProcessEnd

    init(of owner: OwnerRow, in taskStore: PostgreSQLTaskStore) {
        let report = owner.isHere ? taskStore.crashReport(of: owner.number) : RunningRecords.CrashReport()
        blamed = report.isThere ? report.blamed : nil
        end = owner.isHere && !report.blamed.isEmpty ? taskStore.end(of: owner.process.pid) : .unknown
    }
}

/// The release of a dead owner's records, within a transaction.
private struct OwnerRelease {
    private let session: Session
    private let other: OwnerRow
    private let evidence: Evidence
    private let now: Int64

    /// The number of records that one release frees, which is rounded up to whole requests.
    private static let batch: Int64 = 512

    init(_ session: Session, of other: OwnerRow, _ evidence: Evidence, now: Int64) {
        self.session = session
        self.other = other
        self.evidence = evidence
        self.now = now
    }

    /// - Returns: the deaths of records, and the records that were interrupted too often.
    func run() throws(PostgreSQLError) -> (deaths: [RecordDeath], exhausted: [RecordID]) {
        let end = try endOfBatch()
        try session.run(Self.noteLimited, [.integer(other.number), .integer(end)])
        var deaths: [RecordDeath] = []
        for (id, attempt) in try blamed() {
            if let death = try suspect(id, attempt, before: end) { deaths.append(death) }
        }
        let exhausted = try interruptedTooOften(before: end)
        try session.run(Self.release, [.integer(other.number), .integer(end), .integer(now)])
        for id in exhausted {
            try session.endUnowned(id, .failed(error: RecordInterruption.error), at: now)
        }
        return (deaths, exhausted)
    }

    /// Returns the running records that are not blamed, and whose attempts were interrupted as often before as they may be.
    private func interruptedTooOften(before end: Int64) throws(PostgreSQLError) -> [RecordID] {
        let rows = try session.run(
            """
            SELECT id::text FROM postlude.record
            WHERE owner = $1 AND number < $2 AND state = 1 AND interruptions >= $3 ORDER BY number
            """,
            [.integer(other.number), .integer(end), .integer(Int64(RecordInterruption.limit - 1))])
        var ids: [RecordID] = []
        for row in 0..<rows.count {
            guard let id = RecordID(try rows.text(row, 0)) else { throw .unexpected("an id that is not one") }
            ids.append(id)
        }
        return ids
    }

    func removeIfEmpty() throws(PostgreSQLError) -> Bool {
        let sql = """
            DELETE FROM postlude.owner WHERE number = $1
                AND NOT EXISTS (SELECT FROM postlude.record WHERE record.owner = $1)
            """
        return try session.run(sql, [.integer(other.number)]).changes == 1
    }

    private func blamed() throws(PostgreSQLError) -> [(RecordID, RunningRecords.Attempt)] {
        if let blamed = evidence.blamed { return blamed.map { ($0.id, $0.attempt) } }
        let rows = try session.run(
            """
            SELECT id::text, is_endless FROM postlude.record
            WHERE owner = $1 AND state = 1 AND (is_endless OR NOT $2) ORDER BY number
            """,
            [.integer(other.number), .boolean(other.isStopping)])
        var all: [(RecordID, RunningRecords.Attempt)] = []
        for row in 0..<rows.count {
            guard let id = RecordID(try rows.text(row, 0)) else { throw .unexpected("an id that is not one") }
            all.append((id, try rows.boolean(row, 1) ? .endless : .running))
        }
        return all
    }

    /// Returns the record number before which a batch of whole requests ends.
    private func endOfBatch() throws(PostgreSQLError) -> Int64 {
        let owned = "SELECT number FROM postlude.record WHERE owner = $1 ORDER BY number LIMIT 1 OFFSET $2"
        guard let last = try session.number(owned, [.integer(other.number), .integer(Self.batch)]) else {
            return .max
        }
        let endOfRequest = last | 65_535
        return endOfRequest == .max ? .max : endOfRequest + 1
    }

    /// Counts a death of a record that was running when its owner died.
    ///
    /// - Returns: nil if the record was over by then, or is not in this batch.
    private func suspect(
        _ id: RecordID, _ attempt: RunningRecords.Attempt, before end: Int64
    ) throws(PostgreSQLError) -> RecordDeath? {
        let owner = StatementValue.integer(other.number)
        let found = try session.summaries(
            """
            WHERE number = (SELECT number FROM postlude.record WHERE id = $1 AND owner = $2 AND state IN (0, 1)
                AND number < $3)
            """,
            [.id(id), owner, .integer(end)]
        ).first
        guard let record = found else { return nil }
        try session.run(Self.insertSuspect, [.integer(record.number), owner])
        let place = other.isHere ? "" : " on \(other.host)"
        let reason =
            RecordDeath.reason(evidence.end, pid: other.process.pid, isEndless: attempt == .endless) + place
        var death = RecordDeath(record: record, deaths: record.deaths + 1, reason: reason)
        let isLast = death.deaths >= RecordDeath.limit
        let next = isLast ? now : now + RecordDeath.delay(after: death.deaths)
        try session.run(Self.delay, [.integer(next), .text(death.error), .integer(record.number)])
        if isLast {
            try session.endUnowned(id, .failed(error: death.error), at: now)
            return death
        }
        death.next = Date(milliseconds: next)
        // The records after it wait, too, because a request's order is guaranteed.
        try session.run(Self.delayBehind, [.integer(next), .integer(record.number), owner])
        return death
    }

    private static let insertSuspect = """
        INSERT INTO postlude.suspect (record, deaths, owner) VALUES ($1, 1, $2)
        ON CONFLICT (record) DO UPDATE SET deaths = suspect.deaths + 1, owner = $2
        """
    /// Also counts an attempt whose start was not written before the process died.
    private static let delay = """
        UPDATE postlude.record SET owner = NULL, attempts = attempts + (state = 0)::integer, state = 0, due = $1, error = $2,
            takeovers = takeovers + 1
        WHERE number = $3
        """
    private static let delayBehind = """
        UPDATE postlude.record SET owner = NULL, due = $1, takeovers = takeovers + 1
        WHERE number > $2 AND number <= ($2 | 65535) AND state = 0 AND owner = $3
        """
    private static let noteLimited = """
        INSERT INTO postlude.limit_event (name, key) SELECT DISTINCT name, limit_key FROM postlude.record
        WHERE owner = $1 AND number < $2 AND limit_key IS NOT NULL
        """
    /// The records were due when the process claimed them; the clock may have been set back since.
    private static let release = """
        UPDATE postlude.record SET owner = NULL, state = 0, due = least(due, $3), takeovers = takeovers + 1,
            attempts = greatest(0, attempts - (state = 1)::integer),
            interruptions = interruptions + (state = 1)::integer,
            error = CASE state WHEN 1 THEN 'the process ended during attempt ' || attempts ELSE error END
        WHERE owner = $1 AND number < $2
        """
}
