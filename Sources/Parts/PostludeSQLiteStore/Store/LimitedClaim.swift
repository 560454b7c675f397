internal import GRDB
internal import PostludeTaskStore

// GRDB has a Record, too.
internal import struct PostludeTaskStore.Record

/// A claim of records with a limit, within its transaction.
///
/// Each key of a name has a row in `limit_key` while it has records that are not over, or beginnings within the rate's period. Its
/// `due` is the time at which it is to be examined next. It may be too early, never too late by more than `RecordLimit.recheck`. The
/// keys that are due are served in the order of that time, which is the time of the last service for a key with more records: so
/// a claim reads few rows, however many records wait, and each key has its turn.
struct LimitedClaim {
    private let database: StoreDatabase
    private let owner: Int64
    private let now: Int64
    private let limits: [RecordLimit]
    /// The shapes whose records are left to other processes, as a JSON array.
    private let left: String
    /// Whether there is a pause or a cancellation.
    private let isControlled: Bool
    /// Whether a suspect may be claimed: there is never more than one in a claim.
    var takesSuspect = false
    /// The names whose time of the last claim is set.
    private var timed: Set<String> = []

    /// The number of due records of a key among which those that are paused are sought.
    private static let pausedBatch = 256

    init(
        _ database: StoreDatabase, owner: Int64, now: Int64, limits: [RecordLimit],
        leaving left: Set<Int64> = [], isControlled: Bool = false
    ) {
        self.left = SQLiteTaskStore.json(left.sorted())
        self.isControlled = isControlled
        self.database = database
        self.owner = owner
        self.now = now
        self.limits = limits
    }

    /// A key that is due, with its limit.
    private struct DueKey {
        let limit: RecordLimit
        let key: String
        let due: Int64
    }

    /// Corrects times that are in the future because the clock was set back.
    func correctTimes() throws {
        for limit in limits {
            if let last = try database.number(LimitTables.clock, [limit.name]), last > now {
                try database.run(LimitTables.advanceRecords, [now, limit.name])
                try database.run(LimitTables.advanceKeys, [now, limit.name])
                try database.run(LimitTables.clampBeginnings, [limit.name, now])
                try database.run(LimitTables.removeFutureBeginnings, [limit.name, now])
                try database.run(LimitTables.setClock, [now, limit.name])
            }
        }
    }

    /// - Parameter room: the maximum number of requests.
    mutating func take(_ room: Int) throws -> [ClaimedRequest] {
        var requests: [ClaimedRequest] = []
        while requests.count < room {
            let keys = try dueKeys(atMost: room - requests.count)
            guard !keys.isEmpty else { break }
            // A key that cannot be served is due later from now on, so that this ends.
            let share = max(1, (room - requests.count) / keys.count)
            for key in keys {
                requests += try serve(key.limit, key.key, atMost: min(share, room - requests.count))
            }
        }
        return requests
    }

    private func dueKeys(atMost count: Int) throws -> [DueKey] {
        var keys: [DueKey] = []
        for limit in limits {
            let statement = try database.statement(LimitTables.dueKeys)
            let rows = try Row.fetchCursor(statement, arguments: [limit.name, now, count])
            while let row = try rows.next() {
                guard let key = String.fromDatabaseValue(row[0]), let due = Int64.fromDatabaseValue(row[1])
                else { continue }
                keys.append(DueKey(limit: limit, key: key, due: due))
            }
        }
        guard limits.count > 1 else { return keys }
        keys.sort { ($0.due, $0.limit.name, $0.key) < ($1.due, $1.limit.name, $1.key) }
        return Array(keys.prefix(count))
    }

    /// Claims records of a key, as its limit allows, and sets when the key is to be examined next.
    private mutating func serve(_ limit: RecordLimit, _ key: String, atMost room: Int) throws
        -> [ClaimedRequest]
    {
        // Without a limit of places, one record shows that the key must be kept.
        var owned =
            try database.number(
                LimitTables.ownedCount, [limit.name, key, limit.places ?? 1]
            ).map(Int.init) ?? 0
        var free = limit.places.map { min(room, $0 - owned) } ?? room
        var begun = 0
        if let rate = limit.rate {
            try database.run(LimitTables.removeBeginnings, [limit.name, key, now - rate.period])
            begun = try database.number(LimitTables.beginnings, [limit.name, key]).map(Int.init) ?? 0
            free = min(free, rate.count - begun)
        }
        var requests: [ClaimedRequest] = []
        for number in try candidates(limit, key, atMost: free) {
            if let request = try claim(number) { requests.append(request) }
        }
        owned += requests.count
        begun += requests.count
        if !requests.isEmpty, timed.insert(limit.name).inserted {
            try database.run(LimitTables.setClock, [now, limit.name])
        }
        if let rate = limit.rate, !requests.isEmpty {
            try database.run(
                LimitTables.addBeginnings,
                [limit.name, key, rate.time(ofBeginningAt: now), requests.count])
        }
        try reschedule(limit, key, owned: owned, begun: begun, hasServed: !requests.isEmpty)
        return requests
    }

    /// Whether a new record of a key may begin at once: the limit allows it, and no other record waits. If so, its beginning is noted.
    func admits(_ limit: RecordLimit, _ key: String) throws -> Bool {
        guard try database.number(LimitTables.firstDue, [limit.name, key]) == nil else { return false }
        if let places = limit.places {
            let owned = try database.number(LimitTables.ownedCount, [limit.name, key, places])
            guard owned.map({ $0 < places }) ?? true else { return false }
        }
        guard let rate = limit.rate else { return true }
        try database.run(LimitTables.removeBeginnings, [limit.name, key, now - rate.period])
        let begun = try database.number(LimitTables.beginnings, [limit.name, key])
        guard begun.map({ $0 < rate.count }) ?? true else { return false }
        try database.run(
            LimitTables.addBeginnings, [limit.name, key, rate.time(ofBeginningAt: now), 1])
        // Whenever the key is examined, old beginnings are removed.
        try database.run(LimitTables.addKey, [limit.name, key, now + rate.period])
        return true
    }

    /// Returns the numbers of due records, of which some may have to wait for others. Sets aside those that are paused.
    private func candidates(_ limit: RecordLimit, _ key: String, atMost count: Int) throws -> [Int64] {
        guard count > 0 else { return [] }
        guard isControlled else { return try due(limit, key, atMost: count) }
        var aside = 0
        while aside < PauseBatch.aside {
            let numbers = try due(limit, key, atMost: max(count, Self.pausedBatch))
            guard !numbers.isEmpty else { return [] }
            try database.run(ControlSQL.setNumbersAside, [SQLiteTaskStore.json(numbers), now])
            guard database.changesCount > 0 else { return Array(numbers.prefix(count)) }
            aside += database.changesCount
        }
        return []
    }

    private func due(_ limit: RecordLimit, _ key: String, atMost count: Int) throws -> [Int64] {
        let suspects = takesSuspect ? 1 : 0
        if limit.isStrict {
            return try database.numbers(LimitTables.first, [limit.name, key, now, suspects, left])
        }
        var numbers: [Int64] = []
        for priority in RecordPriority.allCases where numbers.count < count {
            numbers += try database.numbers(
                LimitTables.due,
                [limit.name, key, now, suspects, left, priority.rawValue, count - numbers.count])
        }
        return numbers
    }

    /// Claims a record, with the later ones of its request if it stops them on failure.
    ///
    /// - Returns: nil if it has to wait.
    private mutating func claim(_ number: Int64) throws -> ClaimedRequest? {
        guard var record = try database.records(LimitTables.record, [number]).first else { return nil }
        guard record.deaths == 0 || takesSuspect else { return nil }
        if record.position > 0, try database.number(LimitTables.openBefore, [number]) != nil {
            try database.run(LimitTables.postpone, [now + RecordLimit.recheck, number])
            return nil
        }
        if record.deaths > 0 { takesSuspect = false }
        try database.run(LimitTables.own, [owner, number])
        record.summary.owner = owner
        let records = [record] + (record.stopsOnFailure ? try claimFollowers(of: number) : [])
        return ClaimedRequest(id: record.request, route: record.route, records: records)
    }

    private func claimFollowers(of number: Int64) throws -> [Record] {
        guard let head = try database.number(Claim.headOf, [number]) else { return [] }
        let endOfRequest = try database.number(Claim.behind, [head]) ?? .max
        try database.run(LimitTables.freeFollowers, [number, endOfRequest])
        if isControlled { try database.run(ControlSQL.setAside, [number, endOfRequest, now]) }
        let ends = [
            endOfRequest,
            try database.number(LimitTables.openBehind, [head, now, number]),
            try database.number(LimitTables.suspectBehind, [head, number]),
        ]
        let end = ends.compactMap(\.self).min() ?? .max
        var records = try database.records(Claim.together, [number + 1, end, now])
        guard !records.isEmpty else { return [] }
        try database.run(Claim.own, [number + 1, end, now, owner])
        for index in records.indices { records[index].summary.owner = owner }
        return records
    }

    /// Sets when a key is to be examined next, or removes it.
    private func reschedule(
        _ limit: RecordLimit, _ key: String, owned: Int, begun: Int, hasServed: Bool
    ) throws {
        let head = try database.number(
            limit.isStrict ? LimitTables.firstDue : LimitTables.nextDue, [limit.name, key])
        guard let head else {
            if owned > 0 { return try set(limit, key, due: now + RecordLimit.recheck) }
            if let rate = limit.rate, let last = try database.number(LimitTables.last, [limit.name, key]) {
                return try set(limit, key, due: last + rate.period)
            }
            return try database.run(LimitTables.removeKey, [limit.name, key])
        }
        var due = max(now, head)
        if let places = limit.places, owned >= places { due = max(due, now + RecordLimit.recheck) }
        if let rate = limit.rate, begun >= rate.count,
            let oldest = try database.number(LimitTables.oldest, [limit.name, key])
        {
            due = max(due, oldest + rate.period)
        }
        // Its due records wait for another one, a suspect may not be claimed now, or they are left to other processes, which can
        // read them.
        if !hasServed, due == now { due = now + RecordLimit.pause }
        try set(limit, key, due: due)
    }

    private func set(_ limit: RecordLimit, _ key: String, due: Int64) throws {
        try database.run(LimitTables.setKey, [due, limit.name, key])
    }
}
