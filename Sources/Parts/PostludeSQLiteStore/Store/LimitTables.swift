internal import PostludeTaskStore

/// The statements on records with a limit, and on the tables of limits.
enum LimitTables {
    // MARK: Records

    private static let isWaiting: TaskStoreSQL = """
        name = ?1 AND limit_key = ?2 AND limit_key IS NOT NULL AND state = 0 AND owner IS NULL
        """
    /// Whether a due record can be claimed at the time ?3; ?4 is 1 if it may be a suspect, ?5 is a JSON array of the shapes that are
    /// left to other processes.
    private static let isClaimable: TaskStoreSQL = """
        (expires IS NULL OR expires > ?3)
        AND (?4 OR NOT EXISTS (SELECT 1 FROM ~suspect WHERE ~suspect.record = ~record.number))
        AND coalesce(shape, 0) NOT IN (SELECT value FROM json_each(?5))
        """
    private static let isOpen: TaskStoreSQL =
        "name = ?1 AND limit_key = ?2 AND limit_key IS NOT NULL AND state < 2"

    static let due: TaskStoreSQL = """
        SELECT number FROM ~record INDEXED BY ~record_limited
        WHERE \(isWaiting) AND priority = ?6 AND due <= ?3 AND \(isClaimable) ORDER BY due, number LIMIT ?7
        """
    /// The first record of a key that is not over, if it can be claimed.
    static let first: TaskStoreSQL = """
        SELECT number FROM ~record
        WHERE number = (
            SELECT number FROM ~record INDEXED BY ~record_limited_open
            WHERE \(isOpen) AND owner IS NULL ORDER BY number LIMIT 1)
        AND state = 0 AND due <= ?3 AND \(isClaimable)
        """
    static let firstDue: TaskStoreSQL = """
        SELECT due FROM ~record INDEXED BY ~record_limited_open
        WHERE \(isOpen) AND owner IS NULL ORDER BY number LIMIT 1
        """
    static let nextDue: TaskStoreSQL = """
        SELECT min(due) FROM (
            SELECT (\(nextDue(ofPriority: 0))) AS due UNION ALL SELECT (\(nextDue(ofPriority: 1)))
            UNION ALL SELECT (\(nextDue(ofPriority: 2))))
        """
    private static func nextDue(ofPriority priority: Int) -> TaskStoreSQL {
        """
        SELECT due FROM ~record INDEXED BY ~record_limited WHERE \(isWaiting) AND priority = \(priority)
        ORDER BY due LIMIT 1
        """
    }
    static let ownedCount: TaskStoreSQL = """
        SELECT count(*) FROM (
            SELECT 1 FROM ~record INDEXED BY ~record_limited_open WHERE \(isOpen) AND owner IS NOT NULL LIMIT ?3)
        """
    static let record = RecordRow.selecting("WHERE number = ?")
    static let own: TaskStoreSQL = "UPDATE ~record SET owner = ? WHERE number = ?"
    static let postpone: TaskStoreSQL = "UPDATE ~record SET due = ? WHERE number = ?"
    /// Makes records that were to run at once due now, if the clock was set back after they were added.
    static let advanceRecords: TaskStoreSQL = """
        UPDATE ~record SET due = ?1
        WHERE name = ?2 AND limit_key IS NOT NULL AND state = 0 AND owner IS NULL AND due > ?1 AND +due = added
        """
    /// A record before the record ?1, of the same request, that stops the later ones on failure and is not over.
    static let openBefore: TaskStoreSQL = """
        SELECT ~record.number FROM ~record INDEXED BY ~record_stops
        WHERE head = (SELECT head FROM ~record WHERE number = ?1) AND stops = 1 AND state IN (0, 1) AND number < ?1
        LIMIT 1
        """
    /// The first record of the request ?1 after the record ?3 that stops the later ones, is not over, and cannot be claimed.
    static let openBehind: TaskStoreSQL = """
        SELECT number FROM ~record INDEXED BY ~record_stops
        WHERE head = ?1 AND stops = 1 AND state IN (0, 1) AND number > ?3
            AND NOT (state = 0 AND owner IS NULL AND limit_key IS NULL AND due <= ?2 AND (expires IS NULL OR expires > ?2))
        ORDER BY number LIMIT 1
        """
    static let suspectBehind: TaskStoreSQL = """
        SELECT min(~record.number) FROM ~suspect CROSS JOIN ~record ON ~record.number = ~suspect.record
        WHERE ~record.head = ?1 AND ~record.number > ?2 AND ~record.state = 0
        """

    /// Lets the records after one with a limit, between two numbers, be claimed with it.
    static let freeFollowers: TaskStoreSQL = """
        UPDATE ~record SET limit_key = NULL WHERE number > ?1 AND number < ?2 AND +limit_key = '\(RecordLimit.follower)'
        """
    /// Lets a record after one with a limit be claimed alone.
    static let freeFollower: TaskStoreSQL =
        "UPDATE ~record SET limit_key = NULL WHERE number = ? AND limit_key = '\(RecordLimit.follower)'"
    static let freeAllFollowers: TaskStoreSQL = """
        UPDATE ~record SET limit_key = NULL
        WHERE limit_key = '\(RecordLimit.follower)' AND limit_key IS NOT NULL AND state = 0 AND owner IS NULL
        """

    /// The keys of the name ?1 at the time ?2, only ?3 if that is not NULL, at most ?4, with their records that have an owner, that
    /// are due, and that wait for their time.
    static let uses: TaskStoreSQL = """
        SELECT limit_key, count(owner), count(*) FILTER (WHERE owner IS NULL AND due <= ?2),
            count(*) FILTER (WHERE owner IS NULL AND due > ?2)
        FROM ~record INDEXED BY ~record_limited_open
        WHERE name = ?1 AND limit_key IS NOT NULL AND state < 2 AND limit_key <> '\(RecordLimit.follower)'
            AND (?3 IS NULL OR limit_key = ?3)
        GROUP BY limit_key ORDER BY 3 DESC, 2 DESC, 1 LIMIT ?4
        """
    /// Counts the records of a name that are due and have no owner.
    static let dueCount: TaskStoreSQL = """
        SELECT count(*) FROM ~record INDEXED BY ~record_limited
        WHERE name = ? AND limit_key IS NOT NULL AND state = 0 AND owner IS NULL AND due <= ?
        """

    // MARK: Keys

    static let clock: TaskStoreSQL = "SELECT clock FROM ~limit_name WHERE name = ?"
    static let setClock: TaskStoreSQL = "UPDATE ~limit_name SET clock = ? WHERE name = ?"
    static let dueKeys: TaskStoreSQL = """
        SELECT key, due FROM ~limit_key WHERE name = ? AND due <= ? ORDER BY due, key LIMIT ?
        """
    static let nextKey: TaskStoreSQL = "SELECT due FROM ~limit_key WHERE name = ? ORDER BY due LIMIT 1"
    static let setKey: TaskStoreSQL = "UPDATE ~limit_key SET due = ? WHERE name = ? AND key = ?"
    static let removeKey: TaskStoreSQL = "DELETE FROM ~limit_key WHERE name = ? AND key = ?"
    static let advanceKeys: TaskStoreSQL = "UPDATE ~limit_key SET due = min(due, ?) WHERE name = ?"
    /// Makes a key due at a time, if it is not due before.
    static let addKey: TaskStoreSQL = """
        INSERT INTO ~limit_key (name, key, due) VALUES (?, ?, ?)
        ON CONFLICT (name, key) DO UPDATE SET due = excluded.due WHERE excluded.due < due
        """
    static let addKeyOfRecord: TaskStoreSQL = """
        INSERT INTO ~limit_key (name, key, due)
        SELECT name, limit_key, due FROM ~record
        WHERE number = ? AND limit_key IS NOT NULL AND limit_key <> '\(RecordLimit.follower)'
        ON CONFLICT (name, key) DO UPDATE SET due = excluded.due WHERE excluded.due < due
        """
    /// Makes the key of a record that is over due at a time: in a strict order, others may have waited for it.
    static let addKeyOfEnded: TaskStoreSQL = """
        INSERT INTO ~limit_key (name, key, due)
        SELECT name, limit_key, ?1 FROM ~record
        WHERE id = ?2 AND limit_key IS NOT NULL AND limit_key <> '\(RecordLimit.follower)'
        ON CONFLICT (name, key) DO UPDATE SET due = excluded.due WHERE excluded.due < due
        """
    /// As above, for the records that wait between two numbers, and which are to be ended.
    static let addKeysBehind: TaskStoreSQL = """
        INSERT INTO ~limit_key (name, key, due)
        SELECT DISTINCT name, limit_key, ?1 FROM ~record
        WHERE number > ?2 AND number < ?3 AND +state = 0 AND +limit_key IS NOT NULL AND +limit_key <> '\(RecordLimit.follower)'
        ON CONFLICT (name, key) DO UPDATE SET due = excluded.due WHERE excluded.due < due
        """
    /// Makes the keys of the records that an owner has due.
    static let addKeysOfOwner: TaskStoreSQL = """
        INSERT INTO ~limit_key (name, key, due)
        SELECT DISTINCT name, limit_key, ?1 FROM ~record WHERE owner = ?2 AND limit_key IS NOT NULL
        ON CONFLICT (name, key) DO UPDATE SET due = excluded.due WHERE excluded.due < due
        """

    // MARK: Beginnings

    static let beginnings: TaskStoreSQL = "SELECT sum(count) FROM ~limit_begin WHERE name = ? AND key = ?"
    static let beginningsSince: TaskStoreSQL = """
        SELECT sum(count) FROM ~limit_begin WHERE name = ? AND key = ? AND time > ?
        """
    static let oldest: TaskStoreSQL = "SELECT min(time) FROM ~limit_begin WHERE name = ? AND key = ?"
    static let last: TaskStoreSQL = "SELECT max(time) FROM ~limit_begin WHERE name = ? AND key = ?"
    static let addBeginnings: TaskStoreSQL = """
        INSERT INTO ~limit_begin (name, key, time, count) VALUES (?, ?, ?, ?)
        ON CONFLICT (name, key, time) DO UPDATE SET count = count + excluded.count
        """
    static let removeBeginnings: TaskStoreSQL =
        "DELETE FROM ~limit_begin WHERE name = ? AND key = ? AND time <= ?"
    static let clampBeginnings: TaskStoreSQL = """
        INSERT INTO ~limit_begin (name, key, time, count)
        SELECT name, key, ?2, sum(count) FROM ~limit_begin WHERE name = ?1 AND time > ?2 GROUP BY key
        ON CONFLICT (name, key, time) DO UPDATE SET count = count + excluded.count
        """
    static let removeFutureBeginnings: TaskStoreSQL = "DELETE FROM ~limit_begin WHERE name = ? AND time > ?"

    // MARK: Settings

    static let names: TaskStoreSQL = "SELECT name FROM ~limit_name"
    static let all: TaskStoreSQL = "SELECT name, member FROM ~limit_name"
    static let hasKeys: TaskStoreSQL = "SELECT 1 FROM ~limit_key WHERE name = ? LIMIT 1"
    static let add: TaskStoreSQL = """
        INSERT INTO ~limit_name (name, member, clock) VALUES (?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET member = excluded.member
        """
    static let remove: TaskStoreSQL = "DELETE FROM ~limit_name WHERE name = ?"
    static let removeKeys: TaskStoreSQL = "DELETE FROM ~limit_key WHERE name = ?"
    static let removeAllBeginnings: TaskStoreSQL = "DELETE FROM ~limit_begin WHERE name = ?"
    /// Removes the keys of the records ?1 in the state ?2.
    static let clearRecords: TaskStoreSQL = """
        UPDATE ~record SET limit_key = NULL WHERE name = ?1 AND state = ?2 AND limit_key IS NOT NULL
        """
    /// The value at the path ?3, as it is written: a large number has more digits than SQLite's. Two paths give an array. SQLite 3.37
    /// does not have the operator `->`.
    private static let written: TaskStoreSQL = """
        substr(json_extract(payload, ?3, ?3), 2, (length(json_extract(payload, ?3, ?3)) - 3) / 2)
        """
    /// Gives the records ?1 in the state ?2 the key that is at the path ?3 in their payloads; NULL for one key for all.
    static let keyRecords: TaskStoreSQL = """
        UPDATE ~record SET limit_key = CASE
            WHEN ?3 IS NULL THEN '' WHEN NOT json_valid(payload) THEN ''
            ELSE CASE coalesce(json_type(payload, ?3), 'null')
                WHEN 'text' THEN json_extract(payload, ?3) WHEN 'object' THEN '' WHEN 'array' THEN '' WHEN 'null' THEN ''
                ELSE \(written) END
            END
        WHERE name = ?1 AND state = ?2 AND queue IS NULL
        """
    static let collectKeys: TaskStoreSQL = """
        INSERT INTO ~limit_key (name, key, due)
        SELECT DISTINCT name, limit_key, ?2 FROM ~record
        WHERE name = ?1 AND state IN (0, 1) AND limit_key IS NOT NULL
        """
}
