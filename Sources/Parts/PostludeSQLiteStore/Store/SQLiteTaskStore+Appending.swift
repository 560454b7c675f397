package import FoundationEssentials
internal import GRDB
package import PostludeTaskStore

// GRDB has a Record, too.
package import struct PostludeTaskStore.Record

extension SQLiteTaskStore {
    package func append(_ request: NewRequest) throws(TaskStoreError) -> [AppendResult] {
        try TaskStoreError.checkText(of: request, at: path)
        let appending = Appending(request, owner: owner, now: now, shapes: shapes, limits: limits.limits)
        let (results, atOnce) = try write { database in
            var head: Int64?
            var atOnce: [(id: RecordID, key: RecordLimitKey?)] = []
            return (try appending.run(in: database, head: &head, atOnce: &atOnce), atOnce)
        }
        limits.note(atOnce: atOnce)
        return results
    }

    package func appendSeparately(_ request: NewRequest) throws(TaskStoreError) -> [AppendResult] {
        try TaskStoreError.checkText(of: request, at: path)
        let now = now
        let appendings = request.separated.map { Appending($0, owner: nil, now: now, shapes: shapes) }
        return try write { database in try appendings.flatMap { try $0.run(in: database) } }
    }

    package func ownsAtOnce(_ id: RecordID) -> Bool { limits.ownsAtOnce(id) }

    package func fire(
        _ schedule: String, at time: Date, _ request: NewRequest
    ) throws(TaskStoreError) -> [AppendResult]? {
        try TaskStoreError.checkText(schedule, at: path)
        try TaskStoreError.checkText(of: request, at: path)
        let appending = Appending(request, owner: owner, now: now, shapes: shapes)
        return try write { database in
            try database.run(Self.firing, [schedule, time.milliseconds])
            guard database.changesCount == 1 else { return nil }
            return try appending.run(in: database)
        }
    }

    package func beginSchedule(_ schedule: String) throws(TaskStoreError) -> Date {
        if let last = try lastFiring(of: schedule) { return last }
        try TaskStoreError.checkText(schedule, at: path)
        let now = now
        return try write { database in
            try database.run(Self.beginning, [schedule, now])
            return Date(milliseconds: try database.number(Self.lastFiring, [schedule]) ?? now)
        }
    }

    package func restartSchedule(_ schedule: String, at time: Date) throws(TaskStoreError) -> Bool {
        let time = time.milliseconds
        return try write { database in
            try database.run(Self.removingLater, [schedule, time])
            guard database.changesCount > 0 else { return false }
            try database.run(Self.restarting, [schedule, time])
            return true
        }
    }

    package func schedules() throws(TaskStoreError) -> [(schedule: String, last: Date)] {
        try read { database in
            try Row.fetchAll(try database.statement(Self.lastFirings))
                .compactMap {
                    row in
                    guard let name = String.fromDatabaseValue(row[0]),
                        let time = Int64.fromDatabaseValue(row[1])
                    else {
                        return nil
                    }
                    return (name, Date(milliseconds: time))
                }
        }
    }

    package func lastFiring(of schedule: String) throws(TaskStoreError) -> Date? {
        try read { try $0.number(Self.lastFiring, [schedule]) }.map(Date.init(milliseconds:))
    }

    private static let firing: TaskStoreSQL = """
        INSERT INTO ~firing (schedule, time) SELECT ?1, ?2
        WHERE NOT EXISTS (SELECT 1 FROM ~firing WHERE schedule = ?1 AND time >= ?2)
        """
    private static let beginning: TaskStoreSQL = """
        INSERT INTO ~firing (schedule, time) SELECT ?1, ?2
        WHERE NOT EXISTS (SELECT 1 FROM ~firing WHERE schedule = ?1)
        """
    private static let removingLater: TaskStoreSQL = "DELETE FROM ~firing WHERE schedule = ? AND time > ?"
    private static let restarting: TaskStoreSQL =
        "INSERT OR IGNORE INTO ~firing (schedule, time) VALUES (?, ?)"
    private static let lastFirings: TaskStoreSQL =
        "SELECT schedule, max(time) FROM ~firing GROUP BY schedule"
    private static let lastFiring: TaskStoreSQL = "SELECT max(time) FROM ~firing WHERE schedule = ?"
}

/// The insertion of a request's records.
struct Appending: Sendable {
    private let request: NewRequest
    private let owner: Int64?
    private let now: Int64
    /// The limits under which records may be the owner's at once; nil if none may that has a limit, or follows one that has.
    private let limits: [RecordLimit]?
    /// Made outside of the transaction, which may be run again.
    private let ids: [RecordID]
    private let shapes: ShapeNumbers

    init(
        _ request: NewRequest, owner: Int64?, now: Int64, shapes: ShapeNumbers, limits: [RecordLimit]? = nil
    ) {
        self.shapes = shapes
        self.request = request
        self.limits = limits
        self.owner = request.runsHere ? owner : nil
        self.now = now
        ids = request.records.map { $0.id ?? RecordID.make(at: now) }
    }

    func run(in database: StoreDatabase) throws -> [AppendResult] {
        var head: Int64?
        return try run(in: database, head: &head)
    }

    /// - Parameter head: the number of the request's first record; nil if it has none yet. The records of this call follow those
    ///   that the request has.
    func run(in database: StoreDatabase, head: inout Int64?, position first: Int = 0) throws -> [AppendResult]
    {
        var atOnce: [(id: RecordID, key: RecordLimitKey?)] = []
        return try run(in: database, head: &head, position: first, atOnce: &atOnce)
    }

    /// - Parameter atOnce: the records with a limit, or after one with a limit, that are the owner's at once.
    func run(
        in database: StoreDatabase, head: inout Int64?, position first: Int = 0,
        atOnce: inout [(id: RecordID, key: RecordLimitKey?)]
    ) throws -> [AppendResult] {
        var results: [AppendResult] = []
        // Whether a record that stops the others waits because of its limit. An earlier call may have stored it.
        var isBlocked = request.records.first?.followsLimited ?? false
        for (position, (record, id)) in zip(request.records, ids).enumerated() {
            if let other = try standIn(for: record, in: database) {
                results.append(.exists(other))
                continue
            }
            var canBeOwned = !record.mustBeClaimed
            if record.maybeWaits, record.notBefore == nil, owner != nil, let limits {
                canBeOwned = try !isBlocked && admits(record, limits, in: database)
                if canBeOwned {
                    atOnce.append((id, record.limitKey.map { RecordLimitKey(name: record.name, key: $0) }))
                }
            }
            let mustFollow = isBlocked && record.limitKey == nil && !canBeOwned
            if record.limitKey != nil, record.stopsOnFailure, !canBeOwned { isBlocked = true }
            head = try insert(
                record, id, position: first + position, head: head, canBeOwned: canBeOwned,
                mustFollow: mustFollow, in: database)
            results.append(.added(id))
        }
        try request.answer?.store(taskIDs: results.map(\.id.text), at: now, in: database)
        return results
    }

    /// Whether a record's limit allows that it begins now, which is then noted.
    private func admits(
        _ record: NewRecord, _ limits: [RecordLimit], in database: StoreDatabase
    ) throws -> Bool {
        guard let key = record.limitKey else { return true }
        guard let owner, let limit = limits.first(where: { $0.name == record.name }) else { return false }
        return try LimitedClaim(database, owner: owner, now: now, limits: limits).admits(limit, key)
    }

    private func standIn(for record: NewRecord, in database: StoreDatabase) throws -> Record? {
        guard let key = record.uniqueKey else { return nil }
        let sql =
            switch record.uniqueScope {
            case .unfinished: SQLiteTaskStore.unfinishedWithKey
            case .stored, .within: SQLiteTaskStore.newest
            }
        let found = try database.records(sql, [record.name, key]).first
        return found.flatMap { $0.stands(for: record.uniqueScope, at: now) ? $0 : nil }
    }

    /// - Returns: the number of the request's first record.
    private func insert(
        _ record: NewRecord, _ id: RecordID, position: Int, head: Int64?, canBeOwned: Bool,
        mustFollow: Bool, in database: StoreDatabase
    ) throws -> Int64 {
        let due = max(now, record.notBefore?.milliseconds ?? now)
        var queue: Int64?
        if let name = record.queue { queue = try QueueTable.number(of: name, in: database) }
        let state = queue == nil || record.leavesInTurn ? RecordState.waiting : .outgoing
        // A record with a delay has no owner, even if it is due by now.
        let owner = canBeOwned && state == .waiting ? owner : nil
        // The number that SQLite would choose, which is needed for `head`.
        let last = try database.number(Self.lastNumber) ?? 0
        let (number, isFull) = last.addingReportingOverflow(1)
        guard !isFull else {
            throw DatabaseError(resultCode: .SQLITE_FULL, message: "record \(last) has the largest number")
        }
        try database.run(
            Self.insertion,
            [
                number, id.text, head ?? number, request.id, request.route, position, record.name,
                record.priority.rawValue,
                state.rawValue, now,
                due,
                record.expires?.milliseconds, record.uniqueKey, owner, queue, record.payload,
                record.stopsOnFailure ? 1 : 0,
                record.uniqueKey != nil && record.uniqueScope == .stored ? 1 : 0,
                shapes.number(of: record),
                record.limitKey ?? (mustFollow ? RecordLimit.follower : nil),
                record.uniqueUntil(addedAt: now),
            ])
        // The owner of a record notes its end, or its death is noticed: the key need not be examined.
        if let key = record.limitKey, owner == nil {
            try database.run(LimitTables.addKey, [record.name, key, due])
        }
        return head ?? number
    }

    static let lastNumber: TaskStoreSQL = "SELECT max(number) FROM ~record"
    private static let insertion: TaskStoreSQL = """
        INSERT INTO ~record (number, id, head, request, route, position, name, priority, state, added, due, expires,
            unique_key, owner, queue, payload, stops, once, shape, limit_key, unique_until)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), ?, ?, ?, ?, ?)
        """
}
