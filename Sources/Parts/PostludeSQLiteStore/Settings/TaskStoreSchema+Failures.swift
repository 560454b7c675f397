internal import PostludeTaskStore

extension TaskStoreSchema {
    /// The attempts that have failed, each with its error. A record that succeeds at once has none, so that they cost it nothing.
    ///
    /// A trigger, because many statements end an attempt. An attempt that does not count, since its number is taken back, is not
    /// noted. One whose process died before its beginning was written counts by the same statement that sets the error. Statements that
    /// end a record in another way than by a failure keep its last error.
    static let failures: TaskStoreSQL = """
        CREATE TABLE ~failure (
            record INTEGER NOT NULL REFERENCES ~record ON DELETE CASCADE,
            started INTEGER NOT NULL,
            attempt INTEGER NOT NULL,
            error TEXT NOT NULL,
            PRIMARY KEY (record, started, attempt)
        ) STRICT, WITHOUT ROWID;

        CREATE TRIGGER ~record_failed AFTER UPDATE OF error ON ~record
        WHEN NEW.error IS NOT NULL AND
            (NEW.attempts > OLD.attempts OR OLD.state = 1 AND NEW.attempts = OLD.attempts)
            AND (NEW.error IS NOT OLD.error OR NEW.state = 0 OR NEW.state = 3)
        BEGIN
            INSERT OR REPLACE INTO ~failure (record, started, attempt, error)
            VALUES (
                NEW.number, coalesce(NEW.started, NEW.added), NEW.attempts,
                substr(NEW.error, 1, \(RecordFailure.errorLength)));
            DELETE FROM ~failure WHERE record = NEW.number AND started < (
                SELECT started FROM ~failure WHERE record = NEW.number
                ORDER BY started DESC LIMIT 1 OFFSET \(RecordFailure.limit - 1));
        END
        """
}
