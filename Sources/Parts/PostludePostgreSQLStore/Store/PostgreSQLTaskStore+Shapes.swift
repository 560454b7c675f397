package import FoundationEssentials
package import PostludeTaskStore

extension PostgreSQLTaskStore {
    package func register(_ shapes: [RecordShape]) throws(TaskStoreError) {
        for shape in shapes {
            try TaskStoreError.checkText(shape.name, at: place)
            try TaskStoreError.checkText(shape.structure, at: place)
        }
        var numbers = try read { try Self.numbers(of: shapes, in: $0) }
        if numbers.count < Set(shapes).count {
            numbers = try change { session, _ in
                for shape in shapes where numbers[shape] == nil {
                    try session.run(
                        """
                        INSERT INTO postlude.shape (name, version, structure) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
                        """,
                        Self.values(of: shape))
                }
                return try Self.numbers(of: shapes, in: session)
            }
        }
        let own = numbers.values.sorted()
        let isNoted = try read { try $0.number(Self.noted, [.integers(own)]) } != nil
        if isNoted { try change { session, _ in _ = try session.run(Self.unnoting, [.integers(own)]) } }
        self.shapes.set(numbers)
    }

    package func shape(_ number: Int64) throws(TaskStoreError) -> RecordShape? {
        try read { session in
            let rows = try session.run(
                "SELECT name, version, structure FROM postlude.shape WHERE number = $1", [.integer(number)])
            guard rows.count == 1 else { return nil }
            return RecordShape(
                name: try rows.text(0, 0), version: Int(clamping: try rows.integer(0, 1)),
                structure: try rows.text(0, 2))
        }
    }

    package func noteUnreadable(_ shape: Int64) {
        let now = now
        writeLater { _ in
            let sql = "UPDATE postlude.shape SET unreadable = $1 WHERE number = $2 AND unreadable IS NULL"
            return [Statement(sql, [.integer(now), .integer(shape)])]
        }
    }

    package func unreadable(
        dueBefore due: Date, notedBefore noted: Date
    ) throws(TaskStoreError) -> [String: Int] {
        try read { session in
            let rows = try session.run(
                Self.unreadableCounts, [.integer(noted.milliseconds), .integer(due.milliseconds)])
            var counts: [String: Int] = [:]
            for row in 0..<rows.count {
                counts[try rows.text(row, 0)] = Int(clamping: try rows.integer(row, 1))
            }
            return counts
        }
    }

    private static let noted =
        "SELECT number FROM postlude.shape WHERE number = ANY ($1) AND unreadable IS NOT NULL LIMIT 1"
    private static let unnoting = "UPDATE postlude.shape SET unreadable = NULL WHERE number = ANY ($1)"
    private static let unreadableCounts = """
        SELECT r.name, count(*) FROM postlude.shape s
        JOIN postlude.record r ON r.name = s.name AND r.state = 0 AND r.state IN (0, 1, 3, 6) AND r.shape = s.number
        WHERE s.unreadable < $1 AND r.owner IS NULL AND r.due < $2 GROUP BY r.name
        """

    /// Returns the numbers of those shapes that are stored.
    private static func numbers(
        of shapes: [RecordShape], in session: Session
    ) throws(PostgreSQLError) -> [RecordShape: Int64] {
        var numbers: [RecordShape: Int64] = [:]
        for shape in shapes {
            numbers[shape] = try session.number(
                """
                SELECT number FROM postlude.shape
                WHERE name = $1 AND version = $2 AND md5(structure) = md5($3) AND structure = $3
                """,
                values(of: shape))
        }
        return numbers
    }

    private static func values(of shape: RecordShape) -> [StatementValue] {
        [.text(shape.name), .integer(Int64(shape.version)), .text(shape.structure)]
    }
}
