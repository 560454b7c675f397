internal import FoundationEssentials
internal import PostludeDates
internal import PostludeJSON
package import PostludeTaskStore

extension PostgreSQLTaskStore {
    package func list(
        _ filter: RecordFilter, _ order: ListingOrder, after: Int64?, limit: Int
    ) throws(TaskStoreError) -> RecordPage {
        let limit = min(max(1, limit), Int.max - 1)
        return try read { session in
            // Reads one more record, to know whether there is a next page.
            let listing = Listing(filter, order, after: after, limit: limit + 1)
            var records = try session.summaries(listing.rest, listing.values)
            guard records.count > limit else { return RecordPage(records: records, next: nil) }
            records.removeLast(records.count - limit)
            return RecordPage(records: records, next: records.last?.number)
        }
    }

    package func record(_ id: RecordID) throws(TaskStoreError) -> Record? {
        try read { try $0.records(Self.withID, [.id(id)]).first }
    }

    static let withID = "WHERE number = (SELECT number FROM postlude.record WHERE id = $1)"

    package func newest(of key: String, name: String) throws(TaskStoreError) -> Record? {
        try TaskStoreError.checkText(key, at: place)
        try TaskStoreError.checkText(name, at: place)
        return try read { try $0.records(Self.newest, [.text(name), .text(key)]).first }
    }

    private static let newest = "WHERE name = $1 AND unique_key = $2 ORDER BY number DESC LIMIT 1"

    package func holder(of key: String, name: String) throws(TaskStoreError) -> RecordID? {
        try TaskStoreError.checkText(key, at: place)
        try TaskStoreError.checkText(name, at: place)
        return try read { try $0.holder(of: key, name: name) }
    }

    package func unfinished() throws(TaskStoreError) -> Int {
        let now = now
        return try read { Int(clamping: try $0.number(Self.unfinished, [.integer(now)]) ?? 0) }
    }

    /// Counts the unfinished records that are due. A suspect counts as due although it waits for a while, and so do the
    /// records that wait for it.
    private static let unfinished = """
        SELECT count(*) FROM postlude.record r
        WHERE r.state IN (0, 1, 3, 6) AND r.state IN (0, 1) AND (r.due <= $1 OR EXISTS (
            SELECT FROM postlude.suspect s JOIN postlude.record d ON d.number = s.record
            WHERE s.record BETWEEN r.number & -65536 AND r.number | 65535 AND d.state = 0 AND r.due <= d.due))
        """

    package func counts(of states: [RecordState]) throws(TaskStoreError) -> TaskStoreCounts {
        let now = now
        return try read { session in
            var counts = TaskStoreCounts()
            let rows = try session.run(
                """
                SELECT name, state::bigint, count(*) FROM postlude.record
                WHERE state = ANY ($1) \(Listing.condition(of: states)) GROUP BY 1, 2
                """,
                [.integers(states.map(\.rawValue))])
            for row in 0..<rows.count {
                guard let state = RecordState(rawValue: try rows.integer(row, 1)) else { continue }
                let name = try rows.text(row, 0)
                counts.names[name, default: [:]][state] = Int(clamping: try rows.integer(row, 2))
            }
            let limited = try session.run(Self.limited, [.integer(now)])
            for row in 0..<limited.count {
                counts.limited[try limited.text(row, 0)] = Int(clamping: try limited.integer(row, 1))
            }
            let oldest = try session.number(Self.oldest)
            counts.oldestDue = oldest.flatMap { $0 <= now ? Date(milliseconds: $0) : nil }
            return counts
        }
    }

    private static let limited = """
        SELECT l.name, c.count FROM postlude.task_limit l CROSS JOIN LATERAL (
            SELECT count(*) AS count FROM postlude.record r
            WHERE r.name = l.name AND r.limit_key IS NOT NULL AND r.state = 0 AND r.owner IS NULL AND r.due <= $1
        ) c
        WHERE c.count > 0
        """
    private static let oldest: String = {
        let ready = RecordPriority.allCases.map { priority in
            """
            (SELECT due FROM postlude.record
            WHERE state = 0 AND owner IS NULL AND limit_key IS NULL AND priority = \(priority.rawValue) ORDER BY due LIMIT 1)
            """
        }
        return """
            SELECT min(due) FROM (
                \(ready.joined(separator: " UNION ALL "))
                UNION ALL SELECT min(due) FROM postlude.record WHERE owner IS NOT NULL
            ) AS oldest
            """
    }()

    package func export(_ filter: RecordFilter, _ write: (String) throws -> Void) throws {
        var after: Int64?
        while true {
            let page = try read { session in
                let listing = Listing(filter, .oldestFirst, after: after, limit: 256)
                return try session.records(listing.rest, listing.values)
            }
            guard let last = page.last else { return }
            for record in page { try write(RecordLine(record).text) }
            after = last.number
        }
    }
}

/// A page of the list of records.
private struct Listing {
    let rest: String
    let values: [StatementValue]

    init(_ filter: RecordFilter, _ order: ListingOrder, after: Int64?, limit: Int) {
        var values: [StatementValue] = [.integer(after ?? order.start), .integer(Int64(limit))]
        var conditions = ["number \(order == .newestFirst ? "<" : ">") $1"]
        if let states = filter.states {
            values.append(.integers(states.map(\.rawValue)))
            conditions.append("state = ANY ($\(values.count)) \(Self.condition(of: Array(states)))")
        }
        if let name = filter.name {
            values.append(.text(name))
            conditions.append("name = $\(values.count)")
        }
        if let priority = filter.priority {
            values.append(.integer(priority.rawValue))
            conditions.append("priority = $\(values.count)")
        }
        let order = order == .newestFirst ? "DESC" : "ASC"
        rest = "WHERE \(conditions.joined(separator: " AND ")) ORDER BY number \(order) LIMIT $2"
        self.values = values
    }

    /// Lets PostgreSQL use the index of the records that are open or dead letters, if only these are meant.
    static func condition(of states: [RecordState]) -> String {
        let open: Set<RecordState> = [.waiting, .running, .failed, .outgoing]
        return open.isSuperset(of: states) ? "AND state IN (0, 1, 3, 6)" : ""
    }
}

extension Session {
    func holder(of key: String, name: String) throws(PostgreSQLError) -> RecordID? {
        let sql = """
            SELECT id::text FROM postlude.record WHERE name = $1 AND unique_key = $2 AND unique_key IS NOT NULL
                AND state IN (0, 1, 6)
            """
        let rows = try run(sql, [.text(name), .text(key)])
        return rows.count == 0 ? nil : RecordID(try rows.text(0, 0))
    }
}

/// A record as a line of JSON.
private struct RecordLine {
    private let record: Record

    init(_ record: Record) { self.record = record }

    var text: String {
        var bytes: [UInt8] = []
        let members: [(String, [UInt8])] = [
            ("id", string(record.id.text)), ("request", string(record.request)),
            ("route", string(record.route)),
            ("position", number(record.position)), ("name", string(record.name)),
            ("priority", string("\(record.priority)")), ("state", string("\(record.state)")),
            ("added", time(record.added)), ("due", time(record.due)), ("expires", time(record.expires)),
            ("unique", string(record.uniqueKey)), ("attempts", number(record.attempts)),
            ("started", time(record.started)), ("ended", time(record.ended)), ("queue", string(record.queue)),
            ("error", string(record.error)), ("result", json(record.result)),
            ("payload", json(record.payload)),
        ]
        for (index, (name, value)) in members.enumerated() {
            bytes.append(UInt8(ascii: index == 0 ? "{" : ","))
            bytes += string(name)
            bytes.append(UInt8(ascii: ":"))
            bytes += value
        }
        bytes.append(UInt8(ascii: "}"))
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let null = Array("null".utf8)

    private func number(_ number: Int) -> [UInt8] { Array("\(number)".utf8) }

    private func string(_ text: String?) -> [UInt8] {
        guard let text else { return Self.null }
        var bytes: [UInt8] = []
        JSONString.write(text, to: &bytes)
        return bytes
    }

    private func time(_ date: Date?) -> [UInt8] {
        guard let date, let text = DateText.text(date, fractionDigits: 3) else { return Self.null }
        return string(text)
    }

    /// Returns JSON without the blanks between its tokens, with its numbers and strings unchanged; any other text as a string.
    private func json(_ data: Data?) -> [UInt8] {
        guard let data else { return Self.null }
        let bytes = Array(data)
        guard (try? JSONDocument(scanning: bytes, maximumDepth: 512)) != nil else {
            return string(String(decoding: bytes, as: UTF8.self))
        }
        var compact: [UInt8] = []
        compact.reserveCapacity(bytes.count)
        var isInString = false
        var isEscaped = false
        for byte in bytes {
            if isInString {
                compact.append(byte)
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
            } else if byte != 0x20, byte != 0x0a, byte != 0x0d, byte != 0x09 {
                compact.append(byte)
                isInString = byte == UInt8(ascii: "\"")
            }
        }
        return compact
    }
}
