internal import FoundationEssentials
internal import PostludeTaskStore

/// The records in a result, whose columns begin with those of the view `postlude.line`.
struct RecordRows {
    static let summaryColumns = """
        number, id, request, position, name, priority, state, added, due, expires, unique_key, owner, attempts, started, \
        ended, queue, error, route, deaths, progress, limit_key
        """
    static let columns = summaryColumns + ", payload, result, stops, stopped_by, takeovers, shape"

    /// Returns the columns of a row that a function has returned as one of its columns.
    static func columns(of row: String) -> String {
        columns.split(separator: ",").map { "(\(row)).\($0.filter { !$0.isWhitespace })" }.joined(
            separator: ", ")
    }

    private let rows: Rows
    /// The number of columns before those of the record.
    private let offset: Int

    init(_ rows: Rows, offset: Int = 0) {
        self.rows = rows
        self.offset = offset
    }

    func summary(_ row: Int) throws(PostgreSQLError) -> RecordSummary {
        guard let id = RecordID(try rows.text(row, offset + 1)),
            let priority = RecordPriority(rawValue: try rows.integer(row, offset + 5)),
            let state = RecordState(rawValue: try rows.integer(row, offset + 6))
        else { throw .unexpected("a record whose id, priority or state cannot be") }
        let due = try rows.integer(row, offset + 8)
        var summary = RecordSummary(
            number: try rows.integer(row, offset), id: id, request: try rows.text(row, offset + 2),
            position: try count(row, 3), name: try rows.text(row, offset + 4), priority: priority,
            state: state,
            added: Date(milliseconds: try rows.integer(row, offset + 7)),
            due: PausedDue.date(due), expires: try time(row, 9),
            uniqueKey: try rows.optionalText(row, offset + 10),
            owner: try rows.optionalInteger(row, offset + 11), attempts: try count(row, 12),
            started: try time(row, 13), ended: try time(row, 14),
            queue: try rows.optionalText(row, offset + 15), error: try rows.optionalText(row, offset + 16),
            route: try rows.text(row, offset + 17), deaths: try count(row, 18),
            progress: try rows.optionalText(row, offset + 19).flatMap { RecordProgress($0) })
        summary.isPaused = state == .waiting && due >= PausedDue.offset
        summary.limitKey = try rows.optionalText(row, offset + 20)
        return summary
    }

    func record(_ row: Int) throws(PostgreSQLError) -> Record {
        var record = Record(
            summary: try summary(row), payload: try rows.data(row, offset + 21),
            result: try rows.optionalData(row, offset + 22),
            stopsOnFailure: try rows.boolean(row, offset + 23),
            stoppedBy: try rows.optionalText(row, offset + 24).flatMap { RecordID($0) })
        record.shape = try rows.optionalInteger(row, offset + 26)
        return record
    }

    /// How often the record was taken over from a dead owner.
    func takeovers(_ row: Int) throws(PostgreSQLError) -> Int { try count(row, 25) }

    func summaries() throws(PostgreSQLError) -> [RecordSummary] {
        var all: [RecordSummary] = []
        for row in 0..<rows.count { all.append(try summary(row)) }
        return all
    }

    func records() throws(PostgreSQLError) -> [Record] {
        var all: [Record] = []
        for row in 0..<rows.count { all.append(try record(row)) }
        return all
    }

    private func count(_ row: Int, _ column: Int) throws(PostgreSQLError) -> Int {
        Int(clamping: try rows.optionalInteger(row, offset + column) ?? 0)
    }

    private func time(_ row: Int, _ column: Int) throws(PostgreSQLError) -> Date? {
        try rows.optionalInteger(row, offset + column).map { Date(milliseconds: $0) }
    }
}

extension Session {
    /// - Parameter rest: what follows `SELECT … FROM postlude.line`.
    func records(_ rest: String, _ values: [StatementValue] = []) throws(PostgreSQLError) -> [Record] {
        try RecordRows(try run("SELECT \(RecordRows.columns) FROM postlude.line \(rest)", values)).records()
    }

    /// Returns records without payloads and results.
    func summaries(_ rest: String, _ values: [StatementValue] = []) throws(PostgreSQLError) -> [RecordSummary]
    {
        try RecordRows(try run("SELECT \(RecordRows.summaryColumns) FROM postlude.line \(rest)", values))
            .summaries()
    }

    /// Returns the first column of the first row; nil if there is no row, or if it is NULL.
    func number(_ sql: String, _ values: [StatementValue] = []) throws(PostgreSQLError) -> Int64? {
        try run(sql, values).first()
    }
}
