internal import FoundationEssentials
internal import GRDB

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
