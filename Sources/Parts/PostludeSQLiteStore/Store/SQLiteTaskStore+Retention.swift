package import FoundationEssentials
internal import GRDB
package import PostludeTaskStore

extension SQLiteTaskStore {
    package func removeOver(
        endedBefore time: Date, failedBefore failedTime: Date, limit: Int
    ) throws(TaskStoreError) -> Int {
        let (time, failedTime, now) = (time.milliseconds, failedTime.milliseconds, now)
        return try write { database in
            var removed = 0
            for state in RecordState.allCases where state.isOver && removed < limit {
                let end = state == .failed ? failedTime : time
                try database.run(Self.removal, [state.rawValue, end, limit - removed, time, failedTime, now])
                removed += database.changesCount
            }
            return removed
        }
    }

    package func removeFirings(before time: Date, limit: Int) throws(TaskStoreError) -> Int {
        let time = time.milliseconds
        return try write { database in
            try database.run(Self.firingRemoval, [time, limit])
            return database.changesCount
        }
    }

    private static let firingRemoval: TaskStoreSQL = """
        DELETE FROM ~firing WHERE (schedule, time) IN (
            SELECT schedule, time FROM ~firing AS old WHERE time < ?
            AND EXISTS (SELECT 1 FROM ~firing WHERE schedule = old.schedule AND time > old.time)
            ORDER BY time LIMIT ?)
        """
    static let removal: TaskStoreSQL = """
        DELETE FROM ~record WHERE number IN (
            SELECT number FROM ~record INDEXED BY ~record_over
            WHERE state = ?1 AND ended < ?2 AND ended IS NOT NULL
                AND (unique_until IS NULL OR unique_until <= ?6)
                AND (once = 0 OR NOT EXISTS (
                    SELECT 1 FROM ~record AS other INDEXED BY ~record_once
                    WHERE other.head = ~record.head AND other.once = 1
                        AND (other.ended IS NULL OR other.ended >= CASE other.state WHEN 3 THEN ?5 ELSE ?4 END)))
            ORDER BY ended LIMIT ?3)
        """
}
