package import FoundationEssentials
internal import GRDB
internal import Glibc
internal import PostludeSystem
package import PostludeTaskStore

extension SQLiteTaskStore {
    package func claim(
        _ limit: Int, takingSuspect: Bool
    ) throws(TaskStoreError) -> [ClaimedRequest] {
        guard let owner else { throw refusal("a visitor runs no tasks") }
        let now = now
        let isClockBehind = noteClaim(at: now)
        let dead = try deadOwners()
        let claimed = try write { [self] database in
            let claim = Claim(database, owner: owner, now: now, leaving: leftShapes, isAlive: isAlive)
            if isClockBehind { try claim.correctDueTimes() }
            let released = try claim.release(dead)
            // Reported before the commit: even if this process dies then, each death is reported at least once.
            for death in released.deaths { settings.died(death) }
            try claim.closeExpired()
            return (
                released: released, requests: try claim.take(limit, takingSuspect: takingSuspect, by: limits)
            )
        }
        limits.note(claimed.requests)
        for other in claimed.released.gone { RunningRecords.remove(ofOwner: other, taskStore: path) }
        for id in claimed.released.exhausted {
            settings.warn("the task \(id) is a dead letter: \(RecordInterruption.error)")
        }
        return claimed.requests
    }

    /// Returns the owners whose lock is free. Called outside of the transaction, because it may wait until the end of a process
    /// is known.
    private func deadOwners() throws(TaskStoreError) -> [DeadOwner] {
        let others = try read { try $0.numbers(Owner.others, [owner]) }
        var dead: [DeadOwner] = []
        for other in others {
            do {
                guard try !isAlive(other) else { continue }
            } catch {
                throw TaskStoreError(path, error)
            }
            let pid = try read { try $0.number(Owner.process, [other]) } ?? 0
            let crashReport = RunningRecords.crashReport(ofOwner: other, taskStore: path)
            dead.append(
                DeadOwner(
                    number: other, pid: pid, crashReport: crashReport,
                    end: crashReport.blamed.isEmpty ? .unknown : end(of: pid)))
        }
        return dead
    }

    /// Returns how a process has ended. Waits up to 200 ms, because its locks are free a moment before its parent knows the
    /// end.
    private func end(of pid: Int64) -> ProcessEnd {
        for _ in 1...40 {
            let end = settings.end(pid)
            guard end == .pending else { return end }
            usleep(5_000)
        }
        return .unknown
    }

    package func nextDue(takingSuspect: Bool) throws(TaskStoreError) -> Date? {
        let left = leftShapes
        return try read { database in
            var due = try RecordPriority.allCases.compactMap { priority in
                try left.isEmpty
                    ? database.number(Claim.nextUnsuspected, [priority.rawValue])
                    : database.number(Claim.nextReadable, [priority.rawValue, Self.json(left.sorted())])
            }
            if takingSuspect,
                let suspect = try database.number(Claim.nextSuspect, [Self.json(left.sorted())])
            {
                due.append(suspect)
            }
            for limit in limits.limits {
                if let key = try database.number(LimitTables.nextKey, [limit.name]) { due.append(key) }
            }
            return due.min()
        }.map(Date.init(milliseconds:))
    }
}

/// One claim, within its transaction.
struct Claim {
    private let database: StoreDatabase
    private let owner: Int64
    private let now: Int64
    /// The shapes whose records are left to other processes.
    private let left: Set<Int64>
    private let isAlive: (Int64) throws -> Bool

    /// The number of expired records that one claim ends, and of records of each dead owner that it frees, which is rounded up
    /// to whole requests.
    private static let batch = 512
    /// The delay, in milliseconds, of records that wait for one before them.
    private static let openDelay: Int64 = 5000

    init(
        _ database: StoreDatabase, owner: Int64, now: Int64, leaving left: Set<Int64>,
        isAlive: @escaping (Int64) throws -> Bool
    ) {
        self.left = left
        self.database = database
        self.owner = owner
        self.now = now
        self.isAlive = isAlive
    }

    /// The result of freeing the records of dead owners.
    struct ReleasedOwners: Sendable {
        var deaths: [RecordDeath] = []
        /// The records that were interrupted too often.
        var exhausted: [RecordID] = []
        /// The owners that have no records any more.
        var gone: [Int64] = []
    }

    static let nextDue: TaskStoreSQL = """
        SELECT due FROM ~record
        WHERE state = 0 AND owner IS NULL AND limit_key IS NULL AND priority = ? ORDER BY due LIMIT 1
        """
    /// Selects the requests that have a suspect. CROSS JOIN makes SQLite begin with the suspects: it does not know that they
    /// are few.
    private static let suspectHeads: TaskStoreSQL = """
        SELECT ~record.head FROM ~suspect CROSS JOIN ~record ON ~record.number = ~suspect.record
        WHERE ~record.state = 0 AND ~record.limit_key IS NULL
        """
    static let nextUnsuspected: TaskStoreSQL = """
        SELECT due FROM ~record
        WHERE state = 0 AND owner IS NULL AND limit_key IS NULL AND priority = ? AND head NOT IN (\(suspectHeads))
        ORDER BY due LIMIT 1
        """
    /// As above, without records of the shapes in a JSON array.
    static let nextReadable: TaskStoreSQL = """
        SELECT due FROM ~record
        WHERE state = 0 AND owner IS NULL AND limit_key IS NULL AND priority = ?1 AND head NOT IN (\(suspectHeads))
            AND coalesce(shape, 0) NOT IN (SELECT value FROM json_each(?2))
        ORDER BY due LIMIT 1
        """
    private static let suspects: TaskStoreSQL = """
        FROM ~suspect CROSS JOIN ~record ON ~record.number = ~suspect.record
        WHERE ~record.state = 0 AND ~record.owner IS NULL AND ~record.limit_key IS NULL
        """
    static let nextSuspect: TaskStoreSQL = """
        SELECT min(~record.due) \(suspects) AND coalesce(~record.shape, 0) NOT IN (SELECT value FROM json_each(?))
        """
    static let dueSuspect: TaskStoreSQL = """
        SELECT ~record.head \(suspects) AND ~record.due <= ?1 AND (~record.expires IS NULL OR ~record.expires > ?1)
            AND coalesce(~record.shape, 0) NOT IN (SELECT value FROM json_each(?2))
        ORDER BY ~record.due, ~record.number LIMIT 1
        """
    private static let insertSuspect: TaskStoreSQL = """
        INSERT INTO ~suspect (record, deaths) VALUES (?, 1)
        ON CONFLICT (record) DO UPDATE SET deaths = deaths + 1
        """
    /// Also counts an attempt whose start was not written before the process died.
    private static let delay: TaskStoreSQL = """
        UPDATE ~record SET owner = NULL, state = 0, attempts = attempts + (state = 0), due = ?, error = ?
        WHERE number = ?
        """
    private static let delayBehind: TaskStoreSQL = """
        UPDATE ~record SET owner = NULL, due = ?1
        WHERE number > ?2 AND number < ?3 AND +state = 0 AND +owner = ?4
        """
    static let owned: TaskStoreSQL =
        "SELECT number FROM ~record WHERE owner = ? ORDER BY number LIMIT 1 OFFSET ?"
    static let headOf: TaskStoreSQL = "SELECT head FROM ~record WHERE number = ?"
    static let ownedBehind: TaskStoreSQL = """
        SELECT number FROM ~record WHERE owner = ? AND number > ? AND head <> ? ORDER BY number LIMIT 1
        """
    /// The records were due when the process claimed them; the clock may have been set back since.
    static let release: TaskStoreSQL = """
        UPDATE ~record SET owner = NULL, state = 0, due = min(due, ?3), attempts = max(0, attempts - (state = 1)),
            error = CASE state WHEN 1 THEN 'the process ended during attempt ' || attempts ELSE error END
        WHERE owner = ?1 AND number < ?2
        """
    /// Counts the attempts that were interrupted: those of running records that are not blamed.
    private static let interrupt: TaskStoreSQL = """
        INSERT INTO ~progress (record, interruptions)
        SELECT number, 1 FROM ~record WHERE owner = ?1 AND number < ?2 AND +state = 1
        ON CONFLICT (record) DO UPDATE SET interruptions = interruptions + 1
        """
    private static let interruptedTooOften: TaskStoreSQL = """
        SELECT id FROM ~record WHERE owner = ?1 AND number < ?2 AND +state = 1
            AND (SELECT interruptions FROM ~progress WHERE ~progress.record = ~record.number) >= ?3
        """
    static let expire: TaskStoreSQL = """
        UPDATE ~record SET state = 4, ended = ?1 WHERE number IN (
            SELECT number FROM ~record INDEXED BY ~record_expiry
            WHERE expires <= ?1 AND expires IS NOT NULL AND state = 0 AND owner IS NULL ORDER BY expires LIMIT ?2)
        """
    /// Makes the keys of expired records due: in a strict order, others may have waited for them.
    static let addKeysOfExpiring: TaskStoreSQL = """
        INSERT INTO ~limit_key (name, key, due)
        SELECT name, limit_key, ?1 FROM (
            SELECT name, limit_key FROM ~record INDEXED BY ~record_expiry
            WHERE expires <= ?1 AND expires IS NOT NULL AND state = 0 AND owner IS NULL ORDER BY expires LIMIT ?2)
        WHERE limit_key IS NOT NULL AND limit_key <> '\(RecordLimit.follower)'
        ON CONFLICT (name, key) DO UPDATE SET due = excluded.due WHERE excluded.due < due
        """
    static let ahead: TaskStoreSQL = """
        UPDATE ~record SET due = ?1
        WHERE state = 0 AND owner IS NULL AND limit_key IS NULL AND priority IN (0, 1, 2) AND due > ?1 AND +due = added
        """
    static let expiringThatStop: TaskStoreSQL = """
        SELECT id FROM (
            SELECT id, stops FROM ~record INDEXED BY ~record_expiry
            WHERE expires <= ?1 AND expires IS NOT NULL AND state = 0 AND owner IS NULL ORDER BY expires LIMIT ?2)
        WHERE stops = 1
        """
    static let due: TaskStoreSQL = """
        SELECT head FROM ~record
        WHERE state = 0 AND owner IS NULL AND limit_key IS NULL AND priority = ?1 AND due <= ?2
        AND (expires IS NULL OR expires > ?2) AND head NOT IN (\(suspectHeads))
        ORDER BY due, number
        """
    /// As above, without records of the shapes in a JSON array.
    static let dueReadable: TaskStoreSQL = """
        SELECT head FROM ~record
        WHERE state = 0 AND owner IS NULL AND limit_key IS NULL AND priority = ?1 AND due <= ?2
        AND (expires IS NULL OR expires > ?2) AND head NOT IN (\(suspectHeads)) AND coalesce(shape, 0) NOT IN (SELECT value FROM json_each(?3))
        ORDER BY due, number
        """
    static let behind: TaskStoreSQL =
        "SELECT number FROM ~record WHERE number > ?1 AND head <> ?1 ORDER BY number LIMIT 1"
    static let postpone: TaskStoreSQL = """
        UPDATE ~record SET due = ?4
        WHERE number > ?1 AND number < ?2 AND +state = 0 AND +owner IS NULL AND +limit_key IS NULL AND +due <= ?3
        """
    private static let isTogether: TaskStoreSQL = """
        number >= ?1 AND number < ?2 AND +state = 0 AND +owner IS NULL AND +limit_key IS NULL AND +due <= ?3
        AND (+expires IS NULL OR +expires > ?3)
        """
    static let together = RecordRow.selecting("WHERE \(isTogether) ORDER BY number")
    static let own: TaskStoreSQL = "UPDATE ~record SET owner = ?4 WHERE \(isTogether)"

    private static let suspected =
        RecordRow.selectingSummaries("WHERE id = ? AND owner = ? AND state IN (0, 1) AND number < ?")

    /// Frees the records of dead owners, in whole requests.
    func release(_ dead: [DeadOwner]) throws -> ReleasedOwners {
        var released = ReleasedOwners()
        // An owner that was considered dead may have taken its lock in a recreated lock file since.
        for other in dead where try !isAlive(other.number) {
            let end = try endOfBatch(of: other.number)
            try database.run(LimitTables.addKeysOfOwner, [now, other.number])
            for (id, attempt) in other.crashReport.blamed {
                if let death = try suspect(id, of: other, before: end, reason: other.reason(of: attempt)) {
                    released.deaths.append(death)
                }
            }
            let exhausted = try database.texts(
                Self.interruptedTooOften, [other.number, end, RecordInterruption.limit - 1]
            ).compactMap { RecordID($0) }
            try database.run(Self.interrupt, [other.number, end])
            try database.run(Self.release, [other.number, end, now])
            for id in exhausted {
                try SQLiteTaskStore.end(
                    id, .failed(error: RecordInterruption.error), at: now, in: database)
            }
            released.exhausted += exhausted
            guard end == .max else { continue }
            try database.run(Owner.removal, [other.number])
            released.gone.append(other.number)
        }
        return released
    }

    /// Counts a death of a record that was running when its owner died.
    ///
    /// - Returns: nil if the record was over by then, or is not in this batch.
    private func suspect(
        _ id: RecordID, of other: DeadOwner, before end: Int64, reason: String
    ) throws -> RecordDeath? {
        let found = try database.summaries(Self.suspected, [id.text, other.number, end]).first
        guard let record = found else { return nil }
        try database.run(Self.insertSuspect, [record.number])
        var death = RecordDeath(record: record, deaths: record.deaths + 1, reason: reason)
        let isLast = death.deaths >= RecordDeath.limit
        let next = isLast ? now : now + RecordDeath.delay(after: death.deaths)
        try database.run(Self.delay, [next, death.error, record.number])
        if isLast {
            try SQLiteTaskStore.end(id, .failed(error: death.error), at: now, in: database)
            return death
        }
        death.next = Date(milliseconds: next)
        // The records after it wait, too, because a request's order is guaranteed.
        let head = try database.number(Self.headOf, [record.number]) ?? record.number
        let endOfRequest = try database.number(Self.behind, [head]) ?? .max
        try database.run(Self.delayBehind, [next, record.number, endOfRequest, other.number])
        return death
    }

    /// Returns the record number before which a batch of whole requests ends; the maximum if the batch has all of the owner's
    /// records.
    private func endOfBatch(of other: Int64) throws -> Int64 {
        guard let last = try database.number(Self.owned, [other, Self.batch]),
            let head = try database.number(Self.headOf, [last]),
            let end = try database.number(Self.ownedBehind, [other, last, head])
        else { return .max }
        return end
    }

    /// Makes records that were to run at once due now, if the clock was set back after they were added.
    func correctDueTimes() throws { try database.run(Self.ahead, [now]) }

    func closeExpired() throws {
        let stopping = try database.texts(Self.expiringThatStop, [now, Self.batch])
        try database.run(Self.addKeysOfExpiring, [now, Self.batch])
        try database.run(Self.expire, [now, Self.batch])
        for id in stopping.compactMap(RecordID.init) {
            try database.stopBehind(id, because: .expired, at: now)
        }
    }

    /// Claims requests with and without limits. If both wait, neither gets more than half of the room, rounded up.
    func take(_ room: Int, takingSuspect: Bool, by limits: KnownLimits) throws -> [ClaimedRequest] {
        let isControlled = try database.number(ControlSQL.isActive) != nil
        if isControlled { try database.followControl(at: now) }
        let known = limits.limits
        guard !known.isEmpty else {
            return try take(room, takingSuspect: takingSuspect, isControlled: isControlled)
        }
        var limited = LimitedClaim(
            database, owner: owner, now: now, limits: known, leaving: left, isControlled: isControlled)
        limited.takesSuspect = takingSuspect
        try limited.correctTimes()
        var requests: [ClaimedRequest] = []
        func takeOthers(_ room: Int) throws {
            guard room > 0 else { return }
            let others = try take(room, takingSuspect: limited.takesSuspect, isControlled: isControlled)
            if others.contains(where: { $0.records.contains { $0.deaths > 0 } }) {
                limited.takesSuspect = false
            }
            requests += others
        }
        if limits.takeTurn() {
            requests += try limited.take((room + 1) / 2)
            try takeOthers(room - requests.count)
            requests += try limited.take(room - requests.count)
        } else {
            try takeOthers((room + 1) / 2)
            requests += try limited.take(room - requests.count)
            try takeOthers(room - requests.count)
        }
        return requests
    }

    /// Claims requests without limits.
    ///
    /// - Parameter isControlled: whether there is a pause or a cancellation.
    private func take(
        _ limit: Int, takingSuspect: Bool, isControlled: Bool
    ) throws -> [ClaimedRequest] {
        guard isControlled else { return try takeDue(limit, takingSuspect: takingSuspect) }
        var requests: [ClaimedRequest] = []
        var aside = 0
        // Each round sets aside what is paused among the first due records.
        while requests.count < limit, aside < PauseBatch.aside {
            let takesSuspect = takingSuspect && !requests.contains { $0.records.contains { $0.deaths > 0 } }
            let before = aside
            requests += try takeDue(limit - requests.count, takingSuspect: takesSuspect) { head, end in
                try database.run(ControlSQL.setAside, [head, end, now])
                aside += database.changesCount
            }
            if aside == before { break }
        }
        return requests
    }

    /// - Parameter setAside: sets aside the paused records of a request, whose numbers are in a range.
    private func takeDue(
        _ limit: Int, takingSuspect: Bool,
        setAside: (_ head: Int64, _ end: Int64) throws -> Void = { _, _ in }
    ) throws -> [ClaimedRequest] {
        // The suspect comes first, because it has waited.
        let left = SQLiteTaskStore.json(left.sorted())
        let suspect = takingSuspect ? try database.number(Self.dueSuspect, [now, left]) : nil
        let heads = [suspect].compactMap(\.self)
        return try (heads + dueHeads(limit - heads.count)).compactMap { head in
            try setAside(head, database.number(Self.behind, [head]) ?? .max)
            let end = try endOfRunnable(head)
            var records = try database.records(Self.together, [head, end, now])
            try database.run(Self.own, [head, end, now, owner])
            for index in records.indices { records[index].summary.owner = owner }
            return records.first.map { ClaimedRequest(id: $0.request, route: $0.route, records: records) }
        }
    }

    /// Returns the number before which a request's records may run. Delays the records after one that stops the others, if
    /// another process has that one or it is not due yet.
    private func endOfRunnable(_ head: Int64) throws -> Int64 {
        let end = try database.number(Self.behind, [head]) ?? .max
        guard let open = try database.firstOpen(of: head, at: now) else { return end }
        try database.run(Self.postpone, [open, end, now, now + Self.openDelay])
        return open
    }

    private func dueHeads(_ limit: Int) throws -> [Int64] {
        var heads: [Int64] = []
        var seen: Set<Int64> = []
        for priority in RecordPriority.allCases {
            let cursor =
                try left.isEmpty
                ? Int64.fetchCursor(database.statement(Self.due), arguments: [priority.rawValue, now])
                : Int64.fetchCursor(
                    database.statement(Self.dueReadable),
                    arguments: [priority.rawValue, now, SQLiteTaskStore.json(left.sorted())])
            while heads.count < limit, let head = try cursor.next() {
                if seen.insert(head).inserted { heads.append(head) }
            }
        }
        return heads
    }
}
