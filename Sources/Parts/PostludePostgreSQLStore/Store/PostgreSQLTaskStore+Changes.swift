package import PostludeTaskStore

extension PostgreSQLTaskStore {
    package func summaries(of numbers: [Int64]) throws(TaskStoreError) -> [RecordSummary] {
        try read { try $0.summaries("WHERE number = ANY ($1)", [.integers(numbers)]) }
    }

    package func summaries(withIDs ids: [RecordID]) throws(TaskStoreError) -> [RecordSummary] {
        try read { session in
            try session.summaries(
                "WHERE number IN (SELECT number FROM postlude.record WHERE id = ANY ($1))", [.ids(ids)])
        }
    }

    package func listChanges(for time: Duration) throws(TaskStoreError) {
        guard owner != nil else { throw refusal("a program that runs no tasks does not follow them") }
        try change { session, context in
            try session.run(
                """
                INSERT INTO postlude.follower (owner, until)
                VALUES ($1, clock_timestamp() + $2 * interval '1 second')
                ON CONFLICT (owner) DO UPDATE SET until = excluded.until
                """, [.integer(context.owner), .integer(max(1, time.components.seconds))])
            // Those that another process is about to remove, too, are left to it.
            for table in ["follower", "change"] {
                let condition =
                    table == "follower"
                    ? "until <= clock_timestamp()" : "time < clock_timestamp() - interval '1 minute'"
                try session.run(
                    """
                    DELETE FROM postlude.\(table) WHERE ctid = ANY (ARRAY(
                        SELECT ctid FROM postlude.\(table) WHERE \(condition) FOR UPDATE SKIP LOCKED))
                    """)
            }
        }
    }

    package func changes(after position: String?) throws(TaskStoreError) -> RecordChanges {
        try read { session in
            guard let position else {
                let rows = try session.run("SELECT pg_current_snapshot()::text")
                return RecordChanges([], position: try rows.text(0, 0))
            }
            let rows = try session.run(Self.changed, [.text(position)])
            var changes = RecordChanges([], position: try rows.text(0, 0))
            for row in 0..<rows.count {
                if let number = try rows.optionalInteger(row, 1) { changes.numbers.insert(number) }
            }
            return changes
        }
    }

    /// What the snapshot of this statement shows, and that of the last one did not: whatever the order in which the transactions
    /// have begun and were committed. There is always a row, for the position.
    private static let changed = """
        SELECT present.position, c.record FROM (SELECT pg_current_snapshot()::text AS position) AS present
        LEFT JOIN (
            SELECT DISTINCT record FROM postlude.change
            WHERE transaction >= pg_snapshot_xmin($1::pg_snapshot)
                AND NOT pg_visible_in_snapshot(transaction, $1::pg_snapshot)
        ) AS c ON true
        """
}
