internal import FoundationEssentials
package import PostludeTaskStore

extension PostgreSQLTaskStore {
    package func failures(of id: RecordID) throws(TaskStoreError) -> [RecordFailure] {
        try read { session in
            let rows = try session.run(
                """
                SELECT attempt::bigint, started, error FROM postlude.failure
                WHERE record = (SELECT number FROM postlude.record WHERE id = $1) ORDER BY started, attempt
                """,
                [.id(id)])
            return try (0..<rows.count).map { row in
                RecordFailure(
                    attempt: Int(clamping: try rows.integer(row, 0)),
                    started: Date(milliseconds: try rows.integer(row, 1)), error: try rows.text(row, 2))
            }
        }
    }

    package func search(
        request: String, within time: Duration
    ) throws(TaskStoreError) -> FoundRecords {
        try TaskStoreError.checkText(request, at: place)
        return try FoundRecords.search(ranges: Self.searchedAtOnce, within: time) {
            (end) throws(TaskStoreError) in
            try read {
                try $0.number(
                    "SELECT max(number) FROM postlude.record WHERE number <= $1", [.integer(end)])
            }
        } _: { (numbers) throws(TaskStoreError) in
            try read { session in
                try session.summaries(
                    "WHERE number BETWEEN $1 AND $2 AND request = $3 ORDER BY number DESC",
                    [.integer(numbers.lowerBound), .integer(numbers.upperBound), .text(request)])
            }
        }
    }

    /// The length of the range that one query reads: the blocks of 20,000 requests.
    private static let searchedAtOnce: Int64 = 20_000 << 16
}
