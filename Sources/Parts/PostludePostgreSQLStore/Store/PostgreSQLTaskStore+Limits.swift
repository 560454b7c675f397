package import PostludeTaskStore

extension PostgreSQLTaskStore {
    package func setLimits(_ limits: [RecordLimit], of names: [String]) throws(TaskStoreError) {
        let wanted = Dictionary(limits.map { ($0.name, $0) }) { first, _ in first }
        // Read first: nothing is to be written when a process starts whose limits are those of the others. It takes a lock.
        let changed = try read { try Self.names(names, whoseLimitsDifferFrom: wanted, in: $0) }
        if !changed.isEmpty {
            try change { session, _ in
                // The order of the locks is that of claims.
                for name in changed.sorted() {
                    try session.run(
                        "SELECT postlude.set_limit($1, $2, $3)::text",
                        [.text(name), .boolean(wanted[name] != nil), .text(wanted[name]?.member)])
                }
            }
        }
        self.limits.set(Array(wanted.values))
    }

    package func ownsAtOnce(_ id: RecordID) -> Bool { limits.ownsAtOnce(id) }

    /// The time for rates; nil for that of the server.
    private var limitTime: Int64? { settings.usesServerClock ? nil : now }

    /// What an append needs to know so that records with a limit may be this process's at once.
    ///
    /// - Returns: nil if it has no such record.
    func allowances(of request: NewRequest) -> LimitAllowances? {
        guard request.runsHere, request.records.contains(where: \.maybeWaits) else { return nil }
        let limits = limits.limits
        return LimitAllowances(
            numbers: request.records.flatMap { record in
                guard record.limitKey != nil else { return [Int64?](repeating: nil, count: 4) }
                guard let limit = limits.first(where: { $0.name == record.name }) else {
                    return [0, nil, nil, nil]
                }
                return [
                    limit.places.map { Int64($0) }, limit.rate.map { Int64($0.count) }, limit.rate?.period,
                    limit.rate?.step,
                ]
            }, time: limitTime)
    }

    /// The statement by which a claim takes the locks of its limits, before it locks any row.
    func lockLimits(_ limits: [RecordLimit]) -> Statement {
        Statement(
            "SELECT postlude.lock_limits($1, $2)::text",
            [.list(.text, limits.map { .text($0.name) }), .integer(limitTime)])
    }

    private static func names(
        _ names: [String], whoseLimitsDifferFrom wanted: [String: RecordLimit], in session: Session
    ) throws(PostgreSQLError) -> [String] {
        let rows = try session.run(
            """
            SELECT n.name, l.name IS NOT NULL, l.member, EXISTS (SELECT FROM postlude.limit_key k WHERE k.name = n.name)
                OR EXISTS (SELECT FROM postlude.limit_event e WHERE e.name = n.name)
            FROM unnest($1::text[]) AS n(name) LEFT JOIN postlude.task_limit l ON l.name = n.name
            """,
            [.list(.text, names.map { .text($0) })])
        var different: [String] = []
        for row in 0..<rows.count {
            let name = try rows.text(row, 0)
            let (isStored, hasKeys) = (try rows.boolean(row, 1), try rows.boolean(row, 3))
            let member = try rows.optionalText(row, 2)
            let isEqual =
                if let limit = wanted[name] {
                    isStored && limit.member == member
                } else {
                    // An earlier version of the program, running beside this one, may have added such records.
                    !isStored && !hasKeys
                }
            if !isEqual { different.append(name) }
        }
        return different
    }

    package func limitMembers() throws(TaskStoreError) -> [String: String?] {
        try read { session in
            let rows = try session.run("SELECT name, member FROM postlude.task_limit")
            var members: [String: String?] = [:]
            for row in 0..<rows.count {
                members[try rows.text(row, 0)] = .some(try rows.optionalText(row, 1))
            }
            return members
        }
    }

    package func uses(
        of limit: RecordLimit, key: String?, atMost count: Int
    ) throws(TaskStoreError) -> [LimitUse] {
        let now = now
        return try read { session in
            let rows = try session.run(
                Self.uses,
                [
                    .text(limit.name), .integer(now), .text(key), .integer(Int64(count)),
                    .integer(limit.rate?.period), .integer(settings.usesServerClock ? nil : now),
                ])
            return try (0..<rows.count).map { row in
                LimitUse(
                    name: limit.name, key: try rows.text(row, 0),
                    running: Int(clamping: try rows.integer(row, 1)),
                    waiting: Int(clamping: try rows.integer(row, 2)),
                    later: Int(clamping: try rows.integer(row, 3)),
                    begun: Int(clamping: try rows.integer(row, 4)))
            }
        }
    }

    private static let uses = """
        SELECT u.key, u.running, u.waiting, u.later, (
            SELECT coalesce(sum(b.count), 0)::bigint FROM postlude.limit_begin b
            WHERE b.name = $1 AND b.key = u.key AND b.time > postlude.limit_time($6) - $5)
        FROM (
            SELECT r.limit_key AS key, count(r.owner) AS running,
                count(*) FILTER (WHERE r.owner IS NULL AND r.due <= $2) AS waiting,
                count(*) FILTER (WHERE r.owner IS NULL AND r.due > $2) AS later
            FROM (
                SELECT limit_key, owner, due FROM postlude.record
                WHERE name = $1 AND limit_key IS NOT NULL AND owner IS NOT NULL
                UNION ALL SELECT limit_key, owner, due FROM postlude.record
                WHERE name = $1 AND limit_key IS NOT NULL AND state = 0 AND owner IS NULL
            ) r
            WHERE r.limit_key <> '\(RecordLimit.follower)' AND ($3::text IS NULL OR r.limit_key = $3::text)
            GROUP BY 1 ORDER BY 3 DESC, 2 DESC, 1 LIMIT $4
        ) u
        """

    /// Returns the arguments of `takeWithLimits` that follow those of a claim without limits.
    ///
    /// - Parameter isFirst: whether the records with a limit come first.
    func limitArguments(_ limits: [RecordLimit], startingWithThem isFirst: Bool) -> [StatementValue] {
        [
            .integer(limitTime), .boolean(isFirst),
            .list(.text, limits.map { .text($0.name) }),
            .list(.integer, limits.map { .integer($0.places.map { Int64($0) }) }),
            .list(.integer, limits.map { .integer($0.rate.map { Int64($0.count) }) }),
            .list(.integer, limits.map { .integer($0.rate?.period) }),
            .list(.integer, limits.map { .integer($0.rate?.step) }),
            .list(.boolean, limits.map { .boolean($0.isStrict) }),
        ]
    }

    static let takeWithLimits = """
        SELECT c.place, \(RecordRows.columns(of: "c.line"))
        FROM postlude.claim_with_limits(
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) c
        """

    /// Returns when the next key of these names is to be examined, by this process's clock; nil if there is none.
    func nextLimited(_ names: [String], at now: Int64, in session: Session) throws(PostgreSQLError) -> Int64?
    {
        try session.number(
            "SELECT postlude.next_limited($1, $2, $3)",
            [
                .integer(now), .integer(settings.usesServerClock ? nil : now),
                .list(.text, names.map { .text($0) }),
            ])
    }

    /// Makes the key of a record with a limit due, because another record may take its place.
    func noteFreePlace(of id: RecordID, _ end: RecordEnd) {
        guard !end.isKept, let key = limits.end(id) else { return }
        writeLater { _ in
            [Statement("SELECT postlude.note_limit($1, $2)::text", [.text(key.name), .text(key.key)])]
        }
    }
}

/// The limits of the records of an append.
struct LimitAllowances: Sendable {
    /// For each record the places of its limit, and the count, the period and the step of its rate. A record whose limit this
    /// process does not have has no place.
    let numbers: [Int64?]
    /// The time for rates; nil for that of the server.
    let time: Int64?
}

extension Session {
    /// Makes the key of a record with a limit due.
    func noteLimit(of record: RecordSummary) throws(PostgreSQLError) {
        guard let key = record.limitKey, key != RecordLimit.follower else { return }
        try run("SELECT postlude.note_limit($1, $2)::text", [.text(record.name), .text(key)])
    }
}
