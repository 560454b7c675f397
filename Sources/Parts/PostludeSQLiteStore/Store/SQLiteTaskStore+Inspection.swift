internal import FoundationEssentials
internal import GRDB
package import PostludeTaskStore

// GRDB has a Record, too.
package import struct PostludeTaskStore.Record

extension SQLiteTaskStore {
    package func list(
        _ filter: RecordFilter, _ order: ListingOrder, after: Int64?, limit: Int
    ) throws(TaskStoreError) -> RecordPage {
        let listing = NumberListing(filter, order: order)
        let limit = max(1, limit)
        return try read { database in
            // Reads one more record, to know whether there is a next page.
            let numbers = try listing.numbers(after: after ?? order.start, limit: limit + 1, in: database)
            var records = try database.summaries(
                order == .newestFirst ? Self.pageBackwards : Self.page, [Self.json(numbers)])
            guard records.count > limit else { return RecordPage(records: records, next: nil) }
            records.removeLast(records.count - limit)
            return RecordPage(records: records, next: records.last?.number)
        }
    }

    /// A condition whose argument is numbers as JSON.
    static let isNumbered: TaskStoreSQL = "number IN (SELECT value FROM json_each(?))"
    private static let page = RecordRow.selectingSummaries("WHERE \(isNumbered) ORDER BY number")
    private static let pageBackwards =
        RecordRow.selectingSummaries("WHERE \(isNumbered) ORDER BY number DESC")

    static func json(_ numbers: [Int64]) -> String {
        "[\(numbers.map(String.init).joined(separator: ","))]"
    }

    package func record(_ id: RecordID) throws(TaskStoreError) -> Record? {
        try read { try $0.records(RecordRow.withID, [id.text]).first }
    }

    package func newest(of key: String, name: String) throws(TaskStoreError) -> Record? {
        try TaskStoreError.checkText(key, at: path)
        return try read { try $0.records(Self.newest, [name, key]).first }
    }

    static let newest = RecordRow.selecting(
        """
        WHERE name = ? AND unique_key = ? AND unique_key IS NOT NULL ORDER BY ~record.number DESC LIMIT 1
        """)
    static let unfinishedWithKey = RecordRow.selecting("WHERE \(isUnfinishedWithKey)")
    static let holder: TaskStoreSQL = "SELECT id FROM ~record WHERE \(isUnfinishedWithKey)"
    private static let isUnfinishedWithKey: TaskStoreSQL = """
        name = ? AND unique_key = ? AND unique_key IS NOT NULL AND (state < 2 OR state = 6)
        """

    package func unfinished() throws(TaskStoreError) -> Int {
        let now = now
        return try read { try $0.number(Self.unfinished, [now]).map(Int.init) ?? 0 }
    }

    /// Counts the unfinished records that are due. A suspect counts as due although it waits for a while, and so do the
    /// records that wait for it.
    static let unfinished: TaskStoreSQL = """
        \(RecordNames.table)
        SELECT count(*) FROM kind CROSS JOIN ~record INDEXED BY ~record_name ON ~record.name = kind.name
        WHERE ~record.state IN (0, 1) AND (~record.due <= ? OR ~record.head IN (
            SELECT dead.head FROM ~suspect CROSS JOIN ~record AS dead ON dead.number = ~suspect.record
            WHERE dead.state = 0 AND ~record.due <= dead.due))
        """

    package func holder(of key: String, name: String) throws(TaskStoreError) -> RecordID? {
        try TaskStoreError.checkText(key, at: path)
        return try read { try $0.holder(of: key, name: name) }
    }

    package func counts(
        of states: [RecordState]
    ) throws(TaskStoreError) -> TaskStoreCounts {
        let now = now
        return try read { database in
            var counts = TaskStoreCounts()
            for name in try RecordNames.all(in: database) {
                for state in states {
                    let count = try database.number(Self.counting, [name, state.rawValue]).map(Int.init) ?? 0
                    if count > 0 { counts.names[name, default: [:]][state] = count }
                }
            }
            for name in try database.texts(LimitTables.names) {
                let count = try database.number(LimitTables.dueCount, [name, now]).map(Int.init) ?? 0
                if count > 0 { counts.limited[name] = count }
            }
            var due = try RecordPriority.allCases.compactMap {
                try database.number(Claim.nextDue, [$0.rawValue])
            }
            if let owned = try database.number(Self.oldestOwned) { due.append(owned) }
            counts.oldestDue = due.min().flatMap { $0 <= now ? Date(milliseconds: $0) : nil }
            return counts
        }
    }

    private static let counting: TaskStoreSQL =
        "SELECT count(*) FROM ~record WHERE name = ? AND state = ?"
    static let oldestOwned: TaskStoreSQL = "SELECT min(due) FROM ~record WHERE owner IS NOT NULL"
}

extension StoreDatabase {
    func holder(of key: String, name: String) throws -> RecordID? {
        try text(SQLiteTaskStore.holder, [name, key]).flatMap { RecordID($0) }
    }
}

/// The export of records as text.
extension SQLiteTaskStore {
    package func export(
        _ filter: RecordFilter, _ write: (String) throws -> Void
    ) throws {
        let listing = NumberListing(filter, order: .oldestFirst)
        var after = ListingOrder.oldestFirst.start
        while true {
            let page = try read { database in
                let numbers = try listing.numbers(after: after, limit: 256, in: database)
                return try Row.fetchAll(
                    try database.statement(Self.lines), arguments: [Self.json(numbers)]
                ).compactMap {
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

    /// SQLite's `json` removes line ends and blanks. Text that is not JSON is exported as a string.
    private static let lines: TaskStoreSQL = """
        SELECT number, json_object(
            'id', id, 'request', request, 'route', route, 'position', position, 'name', name,
            'priority', CASE priority WHEN 0 THEN 'high' WHEN 1 THEN 'normal' ELSE 'low' END,
            'state', CASE state \(states) END,
            'added', \(time("added")), 'due', \(time(due)), 'expires', \(time("expires")), 'unique', unique_key,
            'attempts', attempts, 'started', \(time("started")), 'ended', \(time("ended")),
            'queue', (SELECT name FROM ~queue WHERE ~queue.number = ~record.queue), 'error', error,
            'result', \(json("result")), 'payload', \(json("payload")))
        FROM ~record WHERE \(isNumbered) ORDER BY number
        """

    private static let states = RecordState.allCases.map { "WHEN \($0.rawValue) THEN '\($0)'" }
        .joined(separator: " ")

    /// The due time, also of a record that is set aside.
    private static let due = "(due % \(PausedDue.offset))"

    private static func time(_ column: String) -> String {
        "strftime('%Y-%m-%dT%H:%M:%fZ', \(column) / 1000.0, 'unixepoch')"
    }

    private static func json(_ column: String) -> String {
        "CASE WHEN json_valid(\(column)) THEN json(\(column)) ELSE \(column) END"
    }
}
