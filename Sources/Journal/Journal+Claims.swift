package import FoundationEssentials
internal import GRDB
internal import Linux

/// What this process is the owner of, and runs in this order.
package struct ClaimedRequest: Sendable, Equatable {
    /// The request's id.
    package var id: String
    package var route: String
    package var records: [Record]
}

extension Journal {
    /// Takes requests of which records are due and nobody's: nobody has taken them, or who had is dead. What has
    /// expired is closed on the way.
    ///
    /// All due records of a request come together. Requests come by lane, then by the time at which they were due.
    ///
    /// - Parameter limit: how many requests at most.
    package func claim(_ limit: Int = 64) throws(JournalError) -> [ClaimedRequest] {
        guard let owner else { throw refusal("a visitor runs no tasks") }
        let now = now
        let isClockBehind = lastClaim.withLock { last in
            defer { last = now }
            return last.map { now < $0 } ?? true
        }
        return try write { [self] database in
            let claim = Claim(database, owner: owner, now: now, isAlive: isAlive)
            if isClockBehind { try claim.bringForward() }
            try claim.releaseTheDead()
            try claim.closeExpired()
            return try claim.take(limit)
        }
    }

    /// When the next record that nobody has is due; it may be due already. nil where there is none.
    package func nextDue() throws(JournalError) -> Date? {
        try read { database in
            try Lane.allCases.compactMap { lane in
                try database.number(Claim.nextDue, [lane.rawValue])
            }.min()
        }.map(Date.init(milliseconds:))
    }
}

/// One claim, within its transaction.
struct Claim {
    private let database: Database
    private let owner: Int64
    private let now: Int64
    private let isAlive: (Int64) throws -> Bool

    /// How many records of a dead owner, or expired ones, one claim deals with.
    private static let batch = 512
    /// After how many milliseconds records are looked at again that wait for one before them.
    private static let openDelay: Int64 = 5000

    init(_ database: Database, owner: Int64, now: Int64, isAlive: @escaping (Int64) throws -> Bool) {
        self.database = database
        self.owner = owner
        self.now = now
        self.isAlive = isAlive
    }

    static let nextDue = """
        SELECT due FROM record WHERE state = 0 AND owner IS NULL AND lane = ? ORDER BY due LIMIT 1
        """
    static let owned = "SELECT number FROM record WHERE owner = ? ORDER BY number LIMIT 1 OFFSET ?"
    static let headOf = "SELECT head FROM record WHERE number = ?"
    static let ownedBehind = """
        SELECT number FROM record WHERE owner = ? AND number > ? AND head <> ? ORDER BY number LIMIT 1
        """
    /// What a process has was due when it took it; the clock may have been set back since.
    static let release = """
        UPDATE record SET owner = NULL, state = 0, due = min(due, ?3),
            error = CASE state WHEN 1 THEN 'the process ended during attempt ' || attempts ELSE error END
        WHERE owner = ?1 AND number < ?2
        """
    static let expire = """
        UPDATE record SET state = 4, ended = ?1 WHERE number IN (
            SELECT number FROM record INDEXED BY record_expiry
            WHERE expires <= ?1 AND expires IS NOT NULL AND state = 0 AND owner IS NULL ORDER BY expires LIMIT ?2)
        """
    static let ahead = """
        UPDATE record SET due = ?1
        WHERE state = 0 AND owner IS NULL AND lane IN (0, 1, 2) AND due > ?1 AND +due = added
        """
    static let expiringThatStop = """
        SELECT id FROM (
            SELECT id, stops FROM record INDEXED BY record_expiry
            WHERE expires <= ?1 AND expires IS NOT NULL AND state = 0 AND owner IS NULL ORDER BY expires LIMIT ?2)
        WHERE stops = 1
        """
    static let due = """
        SELECT head FROM record
        WHERE state = 0 AND owner IS NULL AND lane = ?1 AND due <= ?2 AND (expires IS NULL OR expires > ?2)
        ORDER BY due, number
        """
    static let behind = "SELECT number FROM record WHERE number > ?1 AND head <> ?1 ORDER BY number LIMIT 1"
    static let postpone = """
        UPDATE record SET due = ?4
        WHERE number > ?1 AND number < ?2 AND +state = 0 AND +owner IS NULL AND +due <= ?3
        """
    private static let isTogether = """
        number >= ?1 AND number < ?2 AND +state = 0 AND +owner IS NULL AND +due <= ?3
        AND (+expires IS NULL OR +expires > ?3)
        """
    static let together = "WHERE \(isTogether) ORDER BY number"
    static let own = "UPDATE record SET owner = ?4 WHERE \(isTogether)"

    /// Frees what dead owners have; requests as a whole.
    func releaseTheDead() throws {
        for other in try database.numbers("SELECT number FROM owner WHERE number <> ?", [owner]) {
            guard try !isAlive(other) else { continue }
            let end = try endOfBatch(of: other)
            try database.run(Self.release, [other, end, now])
            if end == .max { try database.run("DELETE FROM owner WHERE number = ?", [other]) }
        }
    }

    /// The number before which the requests of one batch stand; all numbers where those are all.
    private func endOfBatch(of other: Int64) throws -> Int64 {
        guard let last = try database.number(Self.owned, [other, Self.batch]),
            let head = try database.number(Self.headOf, [last]),
            let end = try database.number(Self.ownedBehind, [other, last, head])
        else { return .max }
        return end
    }

    /// What was to run at once when it was added, by a clock that was set back since, is due.
    func bringForward() throws { try database.run(Self.ahead, [now]) }

    func closeExpired() throws {
        let stopping = try String.fetchAll(
            try database.cachedStatement(sql: Self.expiringThatStop), arguments: [now, Self.batch])
        try database.run(Self.expire, [now, Self.batch])
        for id in stopping.compactMap(RecordID.init) {
            try database.stopBehind(id, because: "has expired", at: now)
        }
    }

    func take(_ limit: Int) throws -> [ClaimedRequest] {
        try dueHeads(limit).compactMap { head in
            let end = try endOfRunnable(head)
            var records = try database.records(Self.together, [head, end, now])
            try database.run(Self.own, [head, end, now, owner])
            for index in records.indices { records[index].summary.owner = owner }
            return records.first.map { ClaimedRequest(id: $0.request, route: $0.route, records: records) }
        }
    }

    /// The number before which a request's records may run. Those behind one that stops them, and that another process
    /// has or that is for later, are looked at again later.
    private func endOfRunnable(_ head: Int64) throws -> Int64 {
        let end = try database.number(Self.behind, [head]) ?? .max
        guard let open = try database.firstOpen(of: head, at: now) else { return end }
        try database.run(Self.postpone, [open, end, now, now + Self.openDelay])
        return open
    }

    private func dueHeads(_ limit: Int) throws -> [Int64] {
        var heads: [Int64] = []
        var seen: Set<Int64> = []
        for lane in Lane.allCases {
            let statement = try database.cachedStatement(sql: Self.due)
            let cursor = try Int64.fetchCursor(statement, arguments: [lane.rawValue, now])
            while heads.count < limit, let head = try cursor.next() {
                if seen.insert(head).inserted { heads.append(head) }
            }
        }
        return heads
    }
}
