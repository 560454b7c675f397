internal import FoundationEssentials
internal import GRDB
package import PostludeTaskStore

extension SQLiteTaskStore {
    package func failures(of id: RecordID) throws(TaskStoreError) -> [RecordFailure] {
        try read { database in
            let rows = try Row.fetchAll(try database.statement(Self.failed), arguments: [id.text])
            return try rows.map { row in
                guard let attempt = Int.fromDatabaseValue(row[0]),
                    let started = Int64.fromDatabaseValue(row[1]),
                    let error = String.fromDatabaseValue(row[2])
                else {
                    throw DatabaseError(
                        resultCode: .SQLITE_CORRUPT, message: "a failure of \(id) that cannot be")
                }
                return RecordFailure(
                    attempt: attempt, started: Date(milliseconds: started), error: error)
            }
        }
    }

    package func search(
        request: String, within time: Duration
    ) throws(TaskStoreError) -> FoundRecords {
        try TaskStoreError.checkText(request, at: path)
        return try FoundRecords.search(ranges: Self.searchedAtOnce, within: time) {
            (end) throws(TaskStoreError) in
            try read { try $0.number(Self.last, [end]) }
        } _: { (numbers) throws(TaskStoreError) in
            try read {
                try $0.summaries(Self.ofRequest, [numbers.lowerBound, numbers.upperBound, request])
            }
        }
    }

    private static let failed: TaskStoreSQL = """
        SELECT attempt, started, error FROM ~failure WHERE record = (SELECT number FROM ~record WHERE id = ?)
        ORDER BY started, attempt
        """
    /// The number of records that one query reads: it takes some milliseconds.
    private static let searchedAtOnce: Int64 = 20_000
    private static let last: TaskStoreSQL = "SELECT max(number) FROM ~record WHERE number <= ?"
    private static let ofRequest =
        RecordRow.selectingSummaries("WHERE number BETWEEN ? AND ? AND request = ? ORDER BY number DESC")
}
