package import FoundationEssentials
internal import GRDB
package import PostludeTaskStore

extension SQLiteTaskStore {
    /// Removes records that have been over for long, a few at a time, so that other processes can write between two calls.
    ///
    /// Records of one request with unique keys of scope `stored` are removed together, so that a look-up by these keys finds
    /// all of them or none.
    ///
    /// - Parameters:
    ///   - time: records that ended before this time are removed, except dead letters.
    ///   - failedTime: dead letters that ended before this time are removed.
    ///   - limit: the maximum number of removed records.
    /// - Returns: the number of removed records. Call it again if that is the limit.
    package func removeOver(
        endedBefore time: Date, failedBefore failedTime: Date, limit: Int = 200
    ) throws(TaskStoreError) -> Int {
        let (time, failedTime) = (time.milliseconds, failedTime.milliseconds)
        return try write { database in
            var removed = 0
            for state in RecordState.allCases where state.isOver && removed < limit {
                let end = state == .failed ? failedTime : time
                try database.run(Self.removal, [state.rawValue, end, limit - removed, time, failedTime])
                removed += database.changesCount
            }
            return removed
        }
    }

    /// Removes the firings of schedules before a time, except the last one of each.
    ///
    /// - Returns: the number of removed firings.
    package func removeFirings(before time: Date, limit: Int = 200) throws(TaskStoreError) -> Int {
        let time = time.milliseconds
        return try write { database in
            try database.run(
                """
                DELETE FROM firing WHERE (schedule, time) IN (
                    SELECT schedule, time FROM firing AS old WHERE time < ?
                    AND EXISTS (SELECT 1 FROM firing WHERE schedule = old.schedule AND time > old.time)
                    ORDER BY time LIMIT ?)
                """,
                [time, limit])
            return database.changesCount
        }
    }

    static let removal = """
        DELETE FROM record WHERE number IN (
            SELECT number FROM record INDEXED BY record_over
            WHERE state = ?1 AND ended < ?2 AND ended IS NOT NULL
                AND (once = 0 OR NOT EXISTS (
                    SELECT 1 FROM record AS other INDEXED BY record_once
                    WHERE other.head = record.head AND other.once = 1
                        AND (other.ended IS NULL OR other.ended >= CASE other.state WHEN 3 THEN ?5 ELSE ?4 END)))
            ORDER BY ended LIMIT ?3)
        """
}
