package import FoundationEssentials
internal import PostludeSystem
package import PostludeTaskStore

extension PostgreSQLTaskStore {
    /// The largest number of records of a request: each request has as many numbers.
    private static let largestRequest = 65_536

    package func append(_ request: NewRequest) throws(TaskStoreError) -> [AppendResult] {
        try check(request)
        let appending = try Appending(request, now: now, shapes: shapes, allowances: allowances(of: request))
        return try add(
            appending,
            PendingWrite(
                { [appending.statement($0)] },
                { rows throws(PostgreSQLError) in try appending.added(rows.first) })
        ).results
    }

    package func appendSeparately(_ request: NewRequest) throws(TaskStoreError) -> [AppendResult] {
        try check(request)
        let appending = Appending(separately: request, now: now, shapes: shapes)
        return try add(
            appending,
            PendingWrite(
                { [appending.separateStatement($0)] },
                { rows throws(PostgreSQLError) in try appending.added(rows.first) })
        ).results
    }

    package func fire(
        _ schedule: String, at time: Date, _ request: NewRequest
    ) throws(TaskStoreError) -> [AppendResult]? {
        try TaskStoreError.checkText(schedule, at: place)
        try check(request)
        let appending = try Appending(request, now: now, shapes: shapes)
        return try add(
            appending,
            PendingWrite(
                { [appending.firing($0, schedule, at: time.milliseconds)] },
                { rows throws(PostgreSQLError) -> AddedRecords? in
                    // The first row says that it fires.
                    guard let rows = rows.first, rows.count > 0 else { return nil }
                    return try appending.added(rows, from: 1)
                })
        )?.results
    }

    private func check(_ request: NewRequest) throws(TaskStoreError) {
        try TaskStoreError.checkText(of: request, at: place)
        guard request.records.count <= Self.largestRequest else {
            throw refusal(
                "a request of \(request.records.count) tasks, and \(Self.largestRequest) are possible")
        }
    }

    /// Runs a write that stores records. If its result stays unknown, what it may have stored is removed later.
    private func add<Value: Sendable>(
        _ appending: Appending, _ pending: PendingWrite<Value>
    ) throws(TaskStoreError) -> Value {
        let limited = appending.limitedIDs
        if life != nil {
            held.withLock { held in
                held.ids.formUnion(appending.ownIDs)
                held.appending.formUnion(limited)
            }
        }
        do throws(TaskStoreError) {
            let value = try write(pending, afterClaim: !limited.isEmpty)
            if let added = value as? AddedRecords {
                let existing = zip(appending.ids, added.results).filter { $0.1 != .added($0.0) }.map(\.0)
                let atOnce = appending.keys(of: added.owned)
                limits.note(atOnce: atOnce)
                held.withLock { held in
                    held.ids.subtract(existing)
                    held.ids.formUnion(atOnce.map(\.id))
                    held.appending.subtract(limited)
                    // Whether an earlier attempt has made them this process's is not known: the next claim frees them then.
                    if pending.isRepeated, !limited.isEmpty { held.noteIncompleteness() }
                }
            }
            return value
        } catch {
            held.withLock { held in
                held.ids.subtract(appending.ownIDs)
                held.appending.subtract(limited)
            }
            if pending.isRepeated {
                let ids = appending.ids
                writeLater { context in
                    [Statement(Self.undo, [.ids(ids), .integer(context.owner)])]
                        + appending.undoingAnswer(context)
                }
            }
            throw error
        }
    }

    private static let undo = """
        DELETE FROM postlude.record
        WHERE id = ANY ($1) AND attempts = 0 AND state IN (0, 6) AND (owner = $2 OR owner IS NULL)
        """

    package func beginSchedule(_ schedule: String) throws(TaskStoreError) -> Date {
        if let last = try lastFiring(of: schedule) { return last }
        try TaskStoreError.checkText(schedule, at: place)
        let now = now
        return try change { session, _ in
            try lock(schedule, in: session)
            try session.run(
                """
                INSERT INTO postlude.firing (schedule, time) SELECT $1, $2
                WHERE NOT EXISTS (SELECT FROM postlude.firing WHERE schedule = $1)
                """,
                [.text(schedule), .integer(now)])
            return Date(milliseconds: try session.number(Self.lastFiring, [.text(schedule)]) ?? now)
        }
    }

    package func restartSchedule(_ schedule: String, at time: Date) throws(TaskStoreError) -> Bool {
        let values = [StatementValue.text(schedule), .integer(time.milliseconds)]
        return try change { session, _ in
            try lock(schedule, in: session)
            let sql = "DELETE FROM postlude.firing WHERE schedule = $1 AND time > $2"
            guard try session.run(sql, values).changes > 0 else { return false }
            try session.run(
                "INSERT INTO postlude.firing (schedule, time) VALUES ($1, $2) ON CONFLICT DO NOTHING", values)
            return true
        }
    }

    /// Makes other processes wait that change the same schedule.
    private func lock(_ schedule: String, in session: Session) throws(PostgreSQLError) {
        try session.run(
            "SELECT pg_advisory_xact_lock(\(StoreSchema.LockClass.key), hashtext($1))::text",
            [.text(schedule)])
    }

    package func schedules() throws(TaskStoreError) -> [(schedule: String, last: Date)] {
        try read { session in
            let rows = try session.run("SELECT schedule, max(time) FROM postlude.firing GROUP BY schedule")
            return try (0..<rows.count).map { row in
                (try rows.text(row, 0), Date(milliseconds: try rows.integer(row, 1)))
            }
        }
    }

    package func lastFiring(of schedule: String) throws(TaskStoreError) -> Date? {
        try read { try $0.number(Self.lastFiring, [.text(schedule)]) }.map(Date.init(milliseconds:))
    }

    private static let lastFiring = "SELECT max(time) FROM postlude.firing WHERE schedule = $1"
}

/// The insertion of a request's records.
struct Appending: Sendable {
    private var request: NewRequest
    private let now: Int64
    /// Made outside of the transaction, which may be run again.
    let ids: [RecordID]
    private let answer: AnswerInsertion?
    private let shapes: ShapeNumbers
    /// The limits under which records may be this process's at once; nil if none may that has a limit, or follows one that has.
    private let allowances: LimitAllowances?

    init(
        _ request: NewRequest, now: Int64, shapes: ShapeNumbers, allowances: LimitAllowances? = nil
    ) throws(TaskStoreError) {
        self.shapes = shapes
        self.allowances = allowances
        self.request = request
        self.now = now
        answer = try request.answer.map { answer throws(TaskStoreError) in try AnswerInsertion(answer) }
        ids = request.records.map { $0.id ?? RecordID.make(at: now) }
    }

    /// The insertion of records that have no owner, and no answer.
    init(separately request: NewRequest, now: Int64, shapes: ShapeNumbers) {
        self.shapes = shapes
        self.request = request
        self.request.runsHere = false
        self.now = now
        answer = nil
        allowances = nil
        ids = request.records.map { $0.id ?? RecordID.make(at: now) }
    }

    /// The ids of the records that are this process's, unless others stand for them.
    var ownIDs: [RecordID] {
        guard request.runsHere else { return [] }
        return zip(request.records, ids).filter { record, _ in
            !record.mustBeClaimed && (record.queue == nil || record.leavesInTurn)
        }.map(\.1)
    }

    /// The ids of the records that have a limit, or follow one that has, and may be this process's at once nevertheless.
    var limitedIDs: [RecordID] {
        guard allowances != nil else { return [] }
        return zip(request.records, ids).filter { $0.0.maybeWaits && $0.0.notBefore == nil }.map(\.1)
    }

    /// Returns those records that are this process's at once although they have a limit, or follow one that has, with their keys.
    func keys(of owned: Set<RecordID>) -> [(id: RecordID, key: RecordLimitKey?)] {
        zip(request.records, ids).compactMap { record, id in
            guard record.maybeWaits, owned.contains(id) else { return nil }
            return (id, record.limitKey.map { RecordLimitKey(name: record.name, key: $0) })
        }
    }

    private static let arguments =
        "$1, $2, $3, NULL, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22"
    private static let columns = RecordRows.columns(of: "a.line")
    private static let append =
        "SELECT a.place, a.added, a.is_owned, \(columns) FROM postlude.append(\(arguments)) a"
    private static let appendAnswered = """
        SELECT a.place, a.added, a.is_owned, \(columns)
        FROM postlude.append_answered(\(arguments), $23, $24, $25, $26, $27, $28, $29, $30, $31) a
        """
    private static let fire =
        "SELECT a.place, a.added, a.is_owned, \(columns) FROM postlude.fire($23, $24, \(arguments)) a"

    func statement(_ context: WriteContext) -> Statement {
        guard let answer else { return Statement(Self.append, values(context)) }
        return Statement(Self.appendAnswered, values(context) + answer.values)
    }

    private static let separateColumns =
        "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16"
    private static let appendEach =
        "SELECT a.place, a.added, a.is_owned, \(columns) FROM postlude.append_each(\(separateColumns)) a"

    func separateStatement(_ context: WriteContext) -> Statement {
        Statement(Self.appendEach, separateValues(context))
    }

    /// The arguments of the function `append_each`.
    func separateValues(_ context: WriteContext) -> [StatementValue] {
        let all = values(context)
        // Without the owner, `in_turns`, `stopses` and `followers`, which mean nothing for the only record of a request.
        return Array(all[1..<14]) + all[16..<19]
    }

    /// Inserts the records, and the answer, in a transaction of the application.
    func statement(_ context: WriteContext) -> [Statement] { [statement(context)] }

    /// Inserts the records with numbers from a given one on, of a block that the transaction has taken.
    func statement(_ context: WriteContext, from number: Int64) -> [Statement] {
        [
            Statement(Self.setNumber, [.text("\(number)")]),
            Statement(Self.appendFurther, values(context)),
        ]
    }

    private static let setNumber = "SELECT set_config('postlude.next_number', $1, true)"
    private static let appendFurther = append.replacing(
        ", NULL,", with: ", current_setting('postlude.next_number')::bigint,")

    func undoingAnswer(_ context: WriteContext) -> [Statement] { answer?.undoing(context) ?? [] }

    func firing(_ context: WriteContext, _ schedule: String, at time: Int64) -> Statement {
        Statement(Self.fire, values(context) + [.text(schedule), .integer(time)])
    }

    private func values(_ context: WriteContext) -> [StatementValue] {
        let records = request.records
        return [
            .integer(request.runsHere ? context.owner : nil), .integer(now), .boolean(context.isRepeated),
            .text(request.id), .text(request.route), .ids(ids),
            .list(.text, records.map { .text($0.name) }), .list(.bytes, records.map { .bytes($0.payload) }),
            .integers(records.map(\.priority.rawValue)),
            .list(.integer, records.map { .integer($0.notBefore?.milliseconds) }),
            .list(.integer, records.map { .integer($0.expires?.milliseconds) }),
            .list(.text, records.map { .text($0.uniqueKey) }),
            .list(.boolean, records.map { .boolean($0.uniqueScope == .stored) }),
            .list(.text, records.map { .text($0.queue) }),
            .list(.boolean, records.map { .boolean($0.leavesInTurn) }),
            .list(.boolean, records.map { .boolean($0.stopsOnFailure) }),
            .list(.integer, records.map { .integer(shapes.number(of: $0)) }),
            .list(.text, records.map { .text($0.limitKey) }),
            .list(.integer, records.map { .integer($0.uniqueUntil(addedAt: 0)) }),
            .list(.boolean, records.map { .boolean($0.followsLimited) }),
            .list(.integer, allowances?.numbers.map { .integer($0) } ?? []),
            .integer(allowances?.time),
        ]
    }

    /// - Parameter start: the first row with a record.
    func results(_ rows: Rows?, from start: Int = 0) throws(PostgreSQLError) -> [AppendResult] {
        try added(rows, from: start).results
    }

    /// - Parameter start: the first row with a record.
    func added(_ rows: Rows?, from start: Int = 0) throws(PostgreSQLError) -> AddedRecords {
        guard let rows else { throw .unexpected("no result") }
        let lines = RecordRows(rows, offset: 3)
        var owned: Set<RecordID> = []
        var results: [AppendResult] = []
        for row in start..<max(start, rows.count) {
            let index = row - start
            guard try rows.integer(row, 0) == Int64(index + 1), index < ids.count else {
                throw .unexpected("records in another order")
            }
            results.append(
                try rows.boolean(row, 1) ? .added(ids[index]) : .exists(try lines.record(row)))
            if try rows.boolean(row, 2) { owned.insert(ids[index]) }
        }
        guard results.count == ids.count else {
            throw .unexpected("\(results.count) of \(ids.count) records")
        }
        return AddedRecords(results: results, owned: owned)
    }
}

/// The result of an append.
struct AddedRecords: Sendable {
    let results: [AppendResult]
    /// The records that are this process's.
    let owned: Set<RecordID>
}
