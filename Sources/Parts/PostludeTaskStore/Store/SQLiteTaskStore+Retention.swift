package import FoundationEssentials
internal import GRDB

extension SQLiteTaskStore {
    /// Removes some of what has been over for long: few records at a time, so that others write between the calls.
    ///
    /// Records of one request whose unique keys hold as long as they are kept go together: what is asked for by such keys
    /// is there as a whole, or not at all.
    ///
    /// - Parameters:
    ///   - time: what ended before is removed, but for dead letters.
    ///   - failedTime: dead letters that ended before are removed.
    ///   - limit: how many at most.
    /// - Returns: how many it has removed; call it again while that is the limit.
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

    /// Forgets that schedules have fired before a time, but for the last firing of each.
    ///
    /// - Returns: how many it has forgotten.
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
