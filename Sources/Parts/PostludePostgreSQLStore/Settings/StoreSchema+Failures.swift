internal import PostludeTaskStore

extension StoreSchema {
    /// The attempts that have failed, each with its error. A record that succeeds at once has none, so that they cost it nothing.
    ///
    /// A trigger, because many statements end an attempt. An attempt that does not count, since its number is taken back, is not
    /// noted. One whose process died before its beginning was written counts by the same statement that sets the error. Statements that
    /// end a record in another way than by a failure keep its last error.
    static let failures = """
        CREATE TABLE postlude.failure (
            record bigint NOT NULL REFERENCES postlude.record ON DELETE CASCADE,
            started bigint NOT NULL,
            attempt integer NOT NULL,
            error text NOT NULL,
            PRIMARY KEY (record, started, attempt)
        );

        CREATE FUNCTION postlude.note_failure() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO postlude.failure (record, started, attempt, error)
            VALUES (
                NEW.number, coalesce(NEW.started, NEW.added), NEW.attempts,
                left(NEW.error, \(RecordFailure.errorLength)))
            ON CONFLICT (record, started, attempt) DO UPDATE SET error = excluded.error;
            DELETE FROM postlude.failure f WHERE f.record = NEW.number AND f.started < (
                SELECT o.started FROM postlude.failure o WHERE o.record = NEW.number
                ORDER BY o.started DESC LIMIT 1 OFFSET \(RecordFailure.limit - 1));
            RETURN NULL;
        END $$;
        CREATE TRIGGER record_failed AFTER UPDATE OF error ON postlude.record FOR EACH ROW
            WHEN (NEW.error IS NOT NULL
                AND (NEW.attempts > OLD.attempts OR OLD.state = 1 AND NEW.attempts = OLD.attempts)
                AND (NEW.error IS DISTINCT FROM OLD.error OR NEW.state IN (0, 3)))
            EXECUTE FUNCTION postlude.note_failure();
        """
}
