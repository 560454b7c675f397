package import FoundationEssentials
internal import GRDB

/// How many records there are.
package struct TaskStoreCounts: Sendable, Equatable {
    /// For each name.
    package var names: [String: [RecordState: Int]] = [:]
    /// When the record was due that has been for the longest time, and is not over.
    package var oldestDue: Date?

    package subscript(state: RecordState) -> Int { names.values.reduce(0) { $0 + ($1[state] ?? 0) } }
}

extension SQLiteTaskStore {
    /// Lists records.
    ///
    /// - Parameters:
    ///   - order: by the time at which they were added.
    ///   - after: where the last page ended; nil for the first one.
    ///   - limit: how many at most.
    package func list(
        _ filter: RecordFilter = RecordFilter(), _ order: ListingOrder = .newestFirst, after: Int64? = nil,
        limit: Int = 50
    ) throws(TaskStoreError) -> RecordPage {
        let listing = NumberListing(filter, order: order)
        let limit = max(1, limit)
        return try read { database in
            // One more, to know whether there is a next page.
            let arguments = listing.arguments(after: after ?? order.start, limit: limit + 1)
            var records = try database.summaries(
                "WHERE number IN (\(listing.sql)) ORDER BY number \(order.rawValue)",
                StatementArguments(arguments))
            guard records.count > limit else { return RecordPage(records: records, next: nil) }
            records.removeLast(records.count - limit)
            return RecordPage(records: records, next: records.last?.number)
        }
    }

    /// - Returns: nil if there is none with that id.
    package func record(_ id: RecordID) throws(TaskStoreError) -> Record? {
        try read { try $0.records("WHERE id = ?", [id.text]).first }
    }

    /// The newest record of a name that has a unique key, over or not; nil if there is none.
    package func newest(of key: String, name: String) throws(TaskStoreError) -> Record? {
        try checkText(key)
        return try read { try $0.records(Self.newest, [name, key]).first }
    }

    static let newest = """
        WHERE name = ? AND unique_key = ? AND unique_key IS NOT NULL ORDER BY record.number DESC LIMIT 1
        """

    static let unfinishedWithKey = """
        WHERE name = ? AND unique_key = ? AND unique_key IS NOT NULL AND state IN (0, 1, 6)
        """

    /// How many records are not over, and are due: none of them is for a broker.
    package func unfinished() throws(TaskStoreError) -> Int {
        let now = now
        return try read { try $0.number(Self.unfinished, [now]).map(Int.init) ?? 0 }
    }

    /// A record whose process has died is due, though it waits for a while, and so are those that wait for it.
    private static let unfinished = """
        SELECT count(*) FROM record
        WHERE state IN (0, 1) AND (due <= ? OR head IN (
            SELECT dead.head FROM suspect CROSS JOIN record AS dead ON dead.number = suspect.record
            WHERE dead.state = 0 AND record.due <= dead.due))
        """

    /// The record of a name that is not over and has a unique key; nil if there is none.
    package func holder(of key: String, name: String) throws(TaskStoreError) -> RecordID? {
        try checkText(key)
        return try read { try $0.holder(of: key, name: name) }
    }

    /// - Parameter states: those that are counted. What is over may be most of a task-store: without it, counting takes no
    ///   longer for that.
    package func counts(
        of states: some Collection<RecordState> = RecordState.allCases
    ) throws(TaskStoreError) -> TaskStoreCounts {
        let now = now
        return try read { database in
            var counts = TaskStoreCounts()
            for name in try String.fetchAll(try database.cachedStatement(sql: Self.names)) {
                for state in states {
                    let count = try database.number(Self.counting, [name, state.rawValue]).map(Int.init) ?? 0
                    if count > 0 { counts.names[name, default: [:]][state] = count }
                }
            }
            var due = try RecordPriority.allCases.compactMap {
                try database.number(Claim.nextDue, [$0.rawValue])
            }
            if let owned = try database.number(Self.oldestOwned) { due.append(owned) }
            counts.oldestDue = due.min().flatMap { $0 <= now ? Date(milliseconds: $0) : nil }
            return counts
        }
    }

    /// A step in the index for each name, however many records it has.
    private static let names = """
        WITH RECURSIVE kind(name) AS (
            SELECT min(name) FROM record
            UNION ALL
            SELECT (SELECT min(name) FROM record WHERE name > kind.name) FROM kind WHERE kind.name IS NOT NULL
        )
        SELECT name FROM kind WHERE name IS NOT NULL
        """
    private static let counting = "SELECT count(*) FROM record WHERE name = ? AND state = ?"
    static let oldestOwned = "SELECT min(due) FROM record WHERE owner IS NOT NULL"
}

extension Database {
    func holder(of key: String, name: String) throws -> RecordID? {
        let statement = try cachedStatement(sql: "SELECT id FROM record \(SQLiteTaskStore.unfinishedWithKey)")
        return try String.fetchOne(statement, arguments: [name, key]).flatMap { RecordID($0) }
    }
}

/// All that is there, as text.
extension SQLiteTaskStore {
    /// Writes records as JSON, one a line, the oldest ones first.
    ///
    /// They are read in pages: who takes the lines slowly holds up neither writers nor the WAL. What is appended
    /// meanwhile comes too, and each record shows how it was when its page was read.
    ///
    /// - Parameter write: gets each line, without its end.
    package func export(
        _ filter: RecordFilter = RecordFilter(), _ write: (String) throws -> Void
    ) throws {
        let listing = NumberListing(filter, order: .oldestFirst)
        var after = ListingOrder.oldestFirst.start
        while true {
            let page = try read { database in
                let arguments = listing.arguments(after: after, limit: 256)
                let statement = try database.cachedStatement(
                    sql: "\(Self.line) WHERE number IN (\(listing.sql)) ORDER BY number")
                return try Row.fetchAll(statement, arguments: StatementArguments(arguments)).compactMap {
                    row in
                    Int64.fromDatabaseValue(row[0]).flatMap { number in
                        String.fromDatabaseValue(row[1]).map { (number: number, line: $0) }
                    }
                }
            }
            guard let last = page.last else { return }
            for record in page { try write(record.line) }
            after = last.number
        }
    }

    /// `json` takes line ends and blanks out; text that is none stays text.
    private static let line = """
        SELECT number, json_object(
            'id', id, 'request', request, 'route', route, 'position', position, 'name', name,
            'priority', CASE priority WHEN 0 THEN 'high' WHEN 1 THEN 'normal' ELSE 'low' END,
            'state', CASE state \(states) END,
            'added', \(time("added")), 'due', \(time("due")), 'expires', \(time("expires")), 'unique', unique_key,
            'attempts', attempts, 'started', \(time("started")), 'ended', \(time("ended")),
            'queue', (SELECT name FROM queue WHERE queue.number = record.queue), 'error', error,
            'result', \(json("result")), 'payload', \(json("payload")))
        FROM record
        """

    private static let states = RecordState.allCases.map { "WHEN \($0.rawValue) THEN '\($0)'" }
        .joined(separator: " ")

    private static func time(_ column: String) -> String {
        "strftime('%Y-%m-%dT%H:%M:%fZ', \(column) / 1000.0, 'unixepoch')"
    }

    private static func json(_ column: String) -> String {
        "CASE WHEN json_valid(\(column)) THEN json(\(column)) ELSE \(column) END"
    }
}
