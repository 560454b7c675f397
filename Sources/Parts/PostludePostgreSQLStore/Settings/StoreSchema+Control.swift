internal import PostludeTaskStore

extension StoreSchema {
    /// The condition that a pause holds the record `r` back. It is not a function, which PostgreSQL would call for each row.
    private static let isPaused = """
        EXISTS (
            SELECT FROM postlude.pause p WHERE NOT p.is_over AND (
                (p.what = \(PauseTarget.kindNumber) AND p.name = r.name)
                OR (p.what = \(PauseTarget.keyNumber) AND p.name = r.name AND p.value = r.unique_key)
                OR (p.what = \(PauseTarget.recordNumber) AND p.value = r.id::text)))
        """

    /// The pauses, the cancellations of records that processes have, and the record of actions. The tables `pause` and
    /// `cancellation` are empty nearly always. `control` has one row, whose stamp increases with each change of them. `what` is
    /// the number of the pause's kind (`PauseTarget`); a pause that is over stays until all records are due again that it has set
    /// aside.
    static let control = """
        CREATE TABLE postlude.control (stamp bigint NOT NULL);
        INSERT INTO postlude.control VALUES (0);

        CREATE TABLE postlude.pause (
            what bigint NOT NULL,
            name text NOT NULL,
            value text NOT NULL,
            time bigint NOT NULL,
            who text NOT NULL,
            is_over boolean NOT NULL DEFAULT false,
            PRIMARY KEY (what, name, value)
        );

        CREATE TABLE postlude.cancellation (
            record bigint PRIMARY KEY,
            reason text NOT NULL
        );

        CREATE TABLE postlude.action (
            number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            time bigint NOT NULL,
            who text NOT NULL,
            action text NOT NULL,
            target text NOT NULL,
            result text NOT NULL
        );

        CREATE FUNCTION postlude.is_controlled() RETURNS boolean LANGUAGE sql STABLE AS $$
            SELECT EXISTS (SELECT FROM postlude.pause) OR EXISTS (SELECT FROM postlude.cancellation)
        $$;

        CREATE FUNCTION postlude.note_control() RETURNS void LANGUAGE sql AS $$
            UPDATE postlude.control SET stamp = stamp + 1
        $$;

        -- Removes the cancellation of a record that is over, or runs again.
        CREATE FUNCTION postlude.forget_cancellation(record_id uuid) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            DELETE FROM postlude.cancellation c USING postlude.record r WHERE r.id = record_id AND c.record = r.number;
            IF FOUND THEN PERFORM postlude.note_control(); END IF;
        END $$;

        -- Sets aside the due records of a request that are paused. Returns their number.
        CREATE FUNCTION postlude.set_aside(block bigint, at bigint) RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE changed bigint;
        BEGIN
            UPDATE postlude.record r SET due = r.due + \(PausedDue.offset)
            WHERE r.number BETWEEN block AND block | 65535 AND r.state = 0 AND r.owner IS NULL AND r.due <= at
                AND \(isPaused);
            GET DIAGNOSTICS changed = ROW_COUNT;
            RETURN changed;
        END $$;

        -- Sets aside those of some records that are due and paused. Returns their number.
        CREATE FUNCTION postlude.set_numbers_aside(numbers bigint[], at bigint) RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE changed bigint;
        BEGIN
            UPDATE postlude.record r SET due = r.due + \(PausedDue.offset)
            WHERE r.number = ANY (numbers) AND r.state = 0 AND r.owner IS NULL AND r.due <= at
                AND \(isPaused);
            GET DIAGNOSTICS changed = ROW_COUNT;
            RETURN changed;
        END $$;

        -- Sets aside those of the first due records of a priority that are paused.
        CREATE FUNCTION postlude.set_many_aside(rank bigint, at bigint) RETURNS void LANGUAGE sql AS $$
            UPDATE postlude.record r SET due = r.due + \(PausedDue.offset)
            FROM (
                SELECT s.number FROM postlude.record s
                WHERE s.state = 0 AND s.owner IS NULL AND s.limit_key IS NULL AND s.priority = rank AND s.due <= at
                ORDER BY s.due, s.number LIMIT \(PauseBatch.aside)
            ) first
            WHERE r.number = first.number AND r.state = 0 AND r.owner IS NULL AND r.due <= at
                AND \(isPaused)
        $$;

        -- Cancels the records that no process has any more, and makes records due again after their pause.
        CREATE FUNCTION postlude.follow_control(at bigint) RETURNS void LANGUAGE plpgsql AS $$
        DECLARE
            ended record;
            past record;
            changed bigint;
            limited bigint;
        BEGIN
            FOR ended IN
                SELECT r.id, c.record, c.reason FROM postlude.cancellation c JOIN postlude.record r ON r.number = c.record
                WHERE r.state NOT IN (0, 1, 6) OR (r.state <> 1 AND r.owner IS NULL)
                FOR UPDATE SKIP LOCKED
            LOOP
                PERFORM postlude.close(
                    NULL, true, ended.id, 8, ended.reason, NULL, '\(StopReason.cancelled.verb)', at, 8);
                PERFORM postlude.forget_cancellation(ended.id);
            END LOOP;
            FOR past IN SELECT * FROM postlude.pause p WHERE p.is_over FOR UPDATE SKIP LOCKED LOOP
                UPDATE postlude.record r SET due = r.due - \(PausedDue.offset)
                WHERE r.number IN (
                    SELECT s.number FROM postlude.record s
                    WHERE s.state = 0 AND s.owner IS NULL AND s.limit_key IS NULL AND s.priority IN (0, 1, 2)
                        AND s.due >= \(PausedDue.offset) AND CASE past.what
                            WHEN \(PauseTarget.kindNumber) THEN s.name = past.name
                            WHEN \(PauseTarget.keyNumber) THEN s.name = past.name AND s.unique_key = past.value
                            ELSE s.id::text = past.value END
                    LIMIT \(PauseBatch.resumed) FOR UPDATE SKIP LOCKED);
                GET DIAGNOSTICS changed = ROW_COUNT;
                -- Those with a limit are not in the same index, and their keys are to be examined.
                WITH resumed AS (
                    UPDATE postlude.record r SET due = r.due - \(PausedDue.offset)
                    WHERE r.number IN (
                        SELECT s.number FROM postlude.record s
                        WHERE s.state = 0 AND s.owner IS NULL AND s.limit_key IS NOT NULL AND s.due >= \(PausedDue.offset)
                            AND s.name = past.name AND past.what IN (\(PauseTarget.kindNumber), \(PauseTarget.keyNumber))
                            AND (past.what = \(PauseTarget.kindNumber) OR s.unique_key = past.value)
                        UNION ALL SELECT s.number FROM postlude.record s
                        WHERE s.id = CASE WHEN past.what = \(PauseTarget.recordNumber) THEN past.value::uuid END
                            AND s.state = 0 AND s.owner IS NULL AND s.limit_key IS NOT NULL AND s.due >= \(PausedDue.offset)
                        LIMIT \(PauseBatch.resumed))
                    RETURNING r.name, r.limit_key
                ), noted AS (
                    INSERT INTO postlude.limit_event (name, key) SELECT DISTINCT d.name, d.limit_key FROM resumed d
                    WHERE d.limit_key <> '\(RecordLimit.follower)'
                )
                SELECT count(*) INTO limited FROM resumed;
                changed := changed + limited;
                IF changed = 0 THEN
                    DELETE FROM postlude.pause p WHERE p.what = past.what AND p.name = past.name AND p.value = past.value;
                END IF;
            END LOOP;
            DELETE FROM postlude.cancellation c
            WHERE NOT EXISTS (SELECT FROM postlude.record r WHERE r.number = c.record);
            DELETE FROM postlude.pause p
            WHERE p.what = \(PauseTarget.recordNumber) AND NOT p.is_over
                AND NOT EXISTS (SELECT FROM postlude.record r WHERE r.id = p.value::uuid AND r.state IN (0, 1, 6));
            IF FOUND THEN PERFORM postlude.note_control(); END IF;
        END $$;


        """
}
