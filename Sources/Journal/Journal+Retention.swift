package import FoundationEssentials
internal import GRDB

extension Journal {
    /// Removes some of what has been over for long: few records at a time, so that others write between the calls.
    ///
    /// - Parameters:
    ///   - states: of the records; those that are not over are never removed.
    ///   - time: what ended before is removed.
    ///   - limit: how many at most.
    /// - Returns: how many it has removed; call it again while that is the limit.
    package func removeOver(
        _ states: Set<RecordState>, endedBefore time: Date, limit: Int = 200
    ) throws(JournalError) -> Int {
        let time = time.milliseconds
        return try write { database in
            var removed = 0
            for state in states.sorted(by: { $0.rawValue < $1.rawValue })
            where state.isOver && removed < limit {
                try database.run(Self.removal, [state.rawValue, time, limit - removed])
                removed += database.changesCount
            }
            return removed
        }
    }

    /// Forgets that schedules have fired before a time, but for the last firing of each.
    ///
    /// - Returns: how many it has forgotten.
    package func removeFirings(before time: Date, limit: Int = 200) throws(JournalError) -> Int {
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
            WHERE state = ? AND ended < ? AND ended IS NOT NULL ORDER BY ended LIMIT ?)
        """
}
