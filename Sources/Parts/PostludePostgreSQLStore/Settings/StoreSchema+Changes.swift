extension StoreSchema {
    /// The changes of records that processes follow, each with its transaction: a transaction with a smaller id may be committed
    /// after one with a larger id, so that a follower compares snapshots (`PostgreSQLTaskStore.changes(after:)`). `follower` has the
    /// processes that ask for them. As long as there is none, the trigger reads an empty table, and writes nothing.
    ///
    /// The table is unlogged: a change costs no more of the write-ahead log, and a crash of the server empties it. Followers also read
    /// the records themselves now and then.
    ///
    /// A trigger, because many statements change a record's state.
    static let changes = """
        CREATE TABLE postlude.follower (
            owner bigint PRIMARY KEY,
            until timestamptz NOT NULL
        );

        CREATE UNLOGGED TABLE postlude.change (
            transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
            record bigint NOT NULL,
            time timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        CREATE INDEX change_transaction ON postlude.change (transaction);

        CREATE FUNCTION postlude.note_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT FROM postlude.follower f WHERE f.until > clock_timestamp()) THEN
                INSERT INTO postlude.change (record) VALUES (OLD.number);
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER record_changed AFTER UPDATE OF state, progress OR DELETE ON postlude.record
            FOR EACH ROW EXECUTE FUNCTION postlude.note_change();


        """
}
