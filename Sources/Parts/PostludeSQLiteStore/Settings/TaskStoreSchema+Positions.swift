extension TaskStoreSchema {
    /// The changes of records that processes follow: `change` has one row for each, in the order of the transactions. `follower`
    /// has the processes that ask for them, and the seconds since 1970 until which they do. As long as there is none, the triggers
    /// read an empty table, and write nothing.
    ///
    /// Triggers, because many statements change a record's state.
    static let positions: TaskStoreSQL = """
        CREATE TABLE ~follower (
            owner INTEGER PRIMARY KEY,
            until INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE ~change (
            number INTEGER PRIMARY KEY,
            record INTEGER NOT NULL
        ) STRICT;

        CREATE TRIGGER ~record_changed AFTER UPDATE OF state ON ~record WHEN \(isFollowed)
        BEGIN
            INSERT INTO ~change (record) VALUES (NEW.number);
        END;
        CREATE TRIGGER ~record_removed AFTER DELETE ON ~record WHEN \(isFollowed)
        BEGIN
            INSERT INTO ~change (record) VALUES (OLD.number);
        END;
        CREATE TRIGGER ~progress_begun AFTER INSERT ON ~progress WHEN \(isFollowed)
        BEGIN
            INSERT INTO ~change (record) VALUES (NEW.record);
        END;
        CREATE TRIGGER ~progress_made AFTER UPDATE OF progress ON ~progress WHEN \(isFollowed)
        BEGIN
            INSERT INTO ~change (record) VALUES (NEW.record);
        END
        """

    private static let isFollowed: TaskStoreSQL =
        "EXISTS (SELECT 1 FROM ~follower WHERE until > CAST(strftime('%s', 'now') AS INTEGER))"
}
