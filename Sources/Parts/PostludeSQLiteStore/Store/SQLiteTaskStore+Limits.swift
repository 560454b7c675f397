internal import GRDB
package import PostludeTaskStore

extension SQLiteTaskStore {
    package func setLimits(_ limits: [RecordLimit], of names: [String]) throws(TaskStoreError) {
        let (now, wanted) = (now, Dictionary(limits.map { ($0.name, $0) }) { first, _ in first })
        // Read first: nothing is to be written when a process starts whose limits are those of the others.
        let changed = try read { try Self.names(names, whoseLimitsDifferFrom: wanted, in: $0) }
        if !changed.isEmpty {
            try write { database in
                for name in try Self.names(changed, whoseLimitsDifferFrom: wanted, in: database) {
                    try Self.apply(wanted[name], to: name, at: now, in: database)
                }
            }
        }
        self.limits.set(Array(wanted.values))
    }

    private static func names(
        _ names: [String], whoseLimitsDifferFrom wanted: [String: RecordLimit], in database: StoreDatabase
    ) throws -> [String] {
        let stored = try limitMembers(in: database)
        return try names.filter { name in
            guard let limit = wanted[name] else {
                // An earlier version of the program, running beside this one, may have added such records.
                return try stored[name] != nil || database.number(LimitTables.hasKeys, [name]) != nil
            }
            return stored[name] != .some(limit.member)
        }
    }

    package func limitMembers() throws(TaskStoreError) -> [String: String?] {
        try read { try Self.limitMembers(in: $0) }
    }

    package func uses(
        of limit: RecordLimit, key: String?, atMost count: Int
    ) throws(TaskStoreError) -> [LimitUse] {
        let now = now
        return try read { database in
            let rows = try Row.fetchAll(
                try database.statement(LimitTables.uses), arguments: [limit.name, now, key, count])
            return try rows.compactMap { row in
                guard let key = String.fromDatabaseValue(row[0]) else { return nil }
                let begun = try limit.rate.flatMap { rate in
                    try database.number(
                        LimitTables.beginningsSince, [limit.name, key, now - rate.period])
                }
                return LimitUse(
                    name: limit.name, key: key, running: row[1], waiting: row[2], later: row[3],
                    begun: begun.map(Int.init) ?? 0)
            }
        }
    }

    private static func limitMembers(in database: StoreDatabase) throws -> [String: String?] {
        var members: [String: String?] = [:]
        let rows = try Row.fetchCursor(try database.statement(LimitTables.all))
        while let row = try rows.next() {
            guard let name = String.fromDatabaseValue(row[0]) else { continue }
            members[name] = .some(String.fromDatabaseValue(row[1]))
        }
        return members
    }

    private static func apply(
        _ limit: RecordLimit?, to name: String, at now: Int64, in database: StoreDatabase
    ) throws {
        try database.run(LimitTables.removeKeys, [name])
        try database.run(LimitTables.removeAllBeginnings, [name])
        // Dead letters and others may be retried.
        let states = RecordState.allCases.filter { $0 != .done && $0 != .outgoing && $0 != .published }
        guard let limit else {
            for state in states { try database.run(LimitTables.clearRecords, [name, state.rawValue]) }
            try database.run(LimitTables.freeAllFollowers)
            return try database.run(LimitTables.remove, [name])
        }
        let path = limit.member.map { "$.\"\($0)\"" }
        for state in states { try database.run(LimitTables.keyRecords, [name, state.rawValue, path]) }
        try database.run(LimitTables.collectKeys, [name, now])
        try database.run(LimitTables.add, [name, limit.member, now])
    }
}
