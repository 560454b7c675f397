package import FoundationEssentials
package import PostludeTaskStore

extension PostgreSQLTaskStore {
    package func removeOver(
        endedBefore time: Date, failedBefore failedTime: Date, limit: Int
    ) throws(TaskStoreError) -> Int {
        let (time, failedTime, now) = (time.milliseconds, failedTime.milliseconds, now)
        return try change { session, _ in
            var removed = 0
            for state in RecordState.allCases where state.isOver && removed < limit {
                let end = state == .failed ? failedTime : time
                removed +=
                    try session.run(
                        Self.removal,
                        [
                            .integer(state.rawValue), .integer(end), .integer(Int64(limit - removed)),
                            .integer(time),
                            .integer(failedTime), .integer(now),
                        ]
                    ).changes
            }
            return removed
        }
    }

    package func removeFirings(before time: Date, limit: Int) throws(TaskStoreError) -> Int {
        let time = time.milliseconds
        return try change { session, _ in
            try session.run(
                """
                DELETE FROM postlude.firing WHERE (schedule, time) IN (
                    SELECT schedule, time FROM postlude.firing AS old WHERE time < $1
                    AND EXISTS (SELECT FROM postlude.firing WHERE schedule = old.schedule AND time > old.time)
                    ORDER BY time LIMIT $2)
                """,
                [.integer(time), .integer(Int64(max(0, limit)))]
            ).changes
        }
    }

    private static let removal = """
        DELETE FROM postlude.record WHERE number IN (
            SELECT r.number FROM postlude.record r
            WHERE r.state = $1 AND r.ended < $2 AND r.ended IS NOT NULL
                AND (r.unique_until IS NULL OR r.unique_until <= $6)
                AND (NOT r.once OR NOT EXISTS (
                    SELECT FROM postlude.record other
                    WHERE other.number BETWEEN r.number & -65536 AND r.number | 65535 AND other.once
                        AND (other.ended IS NULL OR other.ended >= CASE other.state WHEN 3 THEN $5 ELSE $4 END)))
            ORDER BY r.ended LIMIT $3 FOR UPDATE SKIP LOCKED)
        """
}
