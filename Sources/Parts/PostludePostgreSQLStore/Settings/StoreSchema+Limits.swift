internal import PostludeTaskStore

extension StoreSchema {
    /// The tables and functions of limits.
    ///
    /// `task_limit` has the names with a limit, with the member of the payload that is the key. `limit_key` has the keys with records
    /// that are not over, or with beginnings within the rate's period, and when each is to be examined next: perhaps too early,
    /// never too late by more than `RecordLimit.recheck`. `limit_begin` has how many records of a key have begun at a time.
    ///
    /// Only the holder of the name's lock changes these rows, and makes a record that waits, or a new one, an owner's: so what it
    /// counts does not change before it commits. A claim waits for this lock, before it locks any row. An append, which has locks of
    /// its own, only tries to get it. All others, who may have any number of keys in a transaction, insert into `limit_event`, where
    /// no one waits for another. A claim turns these events into due keys.
    static let limits = """
        CREATE TABLE postlude.task_limit (name text PRIMARY KEY, member text);
        CREATE TABLE postlude.limit_key (
            name text NOT NULL, key text NOT NULL, due bigint NOT NULL, PRIMARY KEY (name, key)
        ) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
        CREATE INDEX limit_key_due ON postlude.limit_key (name, due, key);
        CREATE TABLE postlude.limit_begin (
            name text NOT NULL, key text NOT NULL, time bigint NOT NULL, count bigint NOT NULL, PRIMARY KEY (name, key, time)
        ) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
        CREATE TABLE postlude.limit_event (name text NOT NULL, key text NOT NULL)
            WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
        CREATE INDEX limit_event_name ON postlude.limit_event (name);

        CREATE INDEX record_limited ON postlude.record (name, limit_key, priority, due, number)
            WHERE limit_key IS NOT NULL AND state = 0 AND owner IS NULL;
        CREATE INDEX record_limited_order ON postlude.record (name, limit_key, number)
            WHERE limit_key IS NOT NULL AND state = 0 AND owner IS NULL;
        CREATE INDEX record_limited_owned ON postlude.record (name, limit_key)
            WHERE limit_key IS NOT NULL AND owner IS NOT NULL;

        -- The time of the server, in milliseconds; `clock` if that is not NULL.
        CREATE FUNCTION postlude.limit_time(clock bigint) RETURNS bigint LANGUAGE sql AS $$
            SELECT coalesce(clock, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
        $$;

        -- The key of a record with a payload; NULL if its name has no limit.
        CREATE FUNCTION postlude.limit_key_of(task_name text, payload jsonb) RETURNS text LANGUAGE sql STABLE AS $$
            SELECT coalesce(
                CASE WHEN jsonb_typeof(payload -> l.member) NOT IN ('object', 'array') THEN payload ->> l.member END, '')
            FROM postlude.task_limit l WHERE l.name = task_name
        $$;

        -- Notes that records of a key may be claimed, and wakes the processes if some wait.
        CREATE FUNCTION postlude.note_limit(task_name text, task_key text) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO postlude.limit_event (name, key) VALUES (task_name, task_key);
            IF EXISTS (
                SELECT FROM postlude.record r WHERE r.name = task_name AND r.limit_key = task_key AND r.limit_key IS NOT NULL
                    AND r.state = 0 AND r.owner IS NULL)
            THEN NOTIFY postlude; END IF;
        END $$;

        -- Notes that a record is over before which others of its key may have waited: with a strict order, the first of them waits
        -- for no time of its own.
        CREATE FUNCTION postlude.note_limit_of(record_id uuid) RETURNS void LANGUAGE sql AS $$
            INSERT INTO postlude.limit_event (name, key)
            SELECT r.name, r.limit_key FROM postlude.record r
            WHERE r.id = record_id AND r.limit_key IS NOT NULL AND r.limit_key <> '\(RecordLimit.follower)'
        $$;

        -- Gives a name a limit whose keys are the values of a member, or none. A payload that is not JSON has an empty key.
        CREATE FUNCTION postlude.set_limit(task_name text, is_limited boolean, new_member text)
        RETURNS void LANGUAGE plpgsql AS $$
        DECLARE
            waiting record;
            new_key text;
        BEGIN
            PERFORM pg_advisory_xact_lock(\(LockClass.limit), hashtext(task_name));
            DELETE FROM postlude.limit_key k WHERE k.name = task_name;
            DELETE FROM postlude.limit_begin b WHERE b.name = task_name;
            DELETE FROM postlude.limit_event e WHERE e.name = task_name;
            DELETE FROM postlude.task_limit l WHERE l.name = task_name;
            IF is_limited THEN
                INSERT INTO postlude.task_limit (name, member) VALUES (task_name, new_member) ON CONFLICT DO NOTHING;
            ELSE
                UPDATE postlude.record r SET limit_key = NULL
                WHERE r.name = task_name AND r.state IN (0, 1, 3, 4, 5) AND r.limit_key IS NOT NULL;
                UPDATE postlude.record r SET limit_key = NULL
                WHERE r.limit_key = '\(RecordLimit.follower)' AND r.limit_key IS NOT NULL AND r.state = 0 AND r.owner IS NULL;
                RETURN;
            END IF;
            FOR waiting IN
                SELECT r.number, r.payload FROM postlude.record r
                WHERE r.name = task_name AND r.state IN (0, 1, 3, 4, 5) AND r.queue IS NULL
            LOOP
                BEGIN
                    new_key := postlude.limit_key_of(task_name, convert_from(waiting.payload, 'UTF8')::jsonb);
                EXCEPTION WHEN data_exception THEN
                    new_key := '';
                END;
                UPDATE postlude.record r SET limit_key = new_key WHERE r.number = waiting.number;
            END LOOP;
            INSERT INTO postlude.limit_event (name, key)
            SELECT DISTINCT r.name, r.limit_key FROM postlude.record r
            WHERE r.name = task_name AND r.state IN (0, 1) AND r.limit_key IS NOT NULL;
            NOTIFY postlude;
        END $$;

        -- Whether a new record of a key may begin at once: no one else has the lock of its name, the limit allows it, and no other
        -- record waits. Never waits.
        CREATE FUNCTION postlude.admits(
            task_name text, task_key text, places bigint, rate bigint, period bigint, clock bigint
        ) RETURNS boolean LANGUAGE plpgsql AS $$
        #variable_conflict use_column
        BEGIN
            IF places = 0 OR NOT pg_try_advisory_xact_lock(\(LockClass.limit), hashtext(task_name)) THEN RETURN false; END IF;
            IF EXISTS (
                SELECT FROM postlude.record r
                WHERE r.name = task_name AND r.limit_key = task_key AND r.limit_key IS NOT NULL AND r.state = 0 AND r.owner IS NULL)
            THEN RETURN false; END IF;
            IF (
                SELECT count(*) FROM (
                    SELECT FROM postlude.record r
                    WHERE r.name = task_name AND r.limit_key = task_key AND r.limit_key IS NOT NULL AND r.owner IS NOT NULL
                    LIMIT coalesce(places, 0)) o) >= places
            THEN RETURN false; END IF;
            RETURN rate IS NULL OR rate > (
                SELECT coalesce(sum(b.count), 0) FROM postlude.limit_begin b
                WHERE b.name = task_name AND b.key = task_key AND b.time > postlude.limit_time(clock) - period);
        END $$;

        -- Notes that a record which was admitted begins. The key is examined when that is over, and its old beginnings are removed.
        CREATE FUNCTION postlude.note_beginning(
            task_name text, task_key text, period bigint, step bigint, clock bigint
        ) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            clock := postlude.limit_time(clock);
            INSERT INTO postlude.limit_begin AS b (name, key, time, count)
            VALUES (task_name, task_key, (clock + step - 1) / step * step, 1)
            ON CONFLICT (name, key, time) DO UPDATE SET count = b.count + 1;
            INSERT INTO postlude.limit_key (name, key, due) VALUES (task_name, task_key, clock + period) ON CONFLICT DO NOTHING;
        END $$;

        -- Takes the locks of those names, which are sorted, that have keys to examine. Waits for them.
        CREATE FUNCTION postlude.lock_limits(names text[], clock bigint) RETURNS void LANGUAGE plpgsql AS $$
        DECLARE task_name text;
        BEGIN
            FOREACH task_name IN ARRAY names LOOP
                CONTINUE WHEN NOT EXISTS (SELECT FROM postlude.limit_event e WHERE e.name = task_name)
                    AND NOT EXISTS (
                        SELECT FROM postlude.limit_key k WHERE k.name = task_name AND k.due <= postlude.limit_time(clock));
                PERFORM pg_advisory_xact_lock(\(LockClass.limit), hashtext(task_name));
            END LOOP;
        END $$;

        -- When the next key of some names is to be examined, on the caller's clock. An event can wait while no record does.
        CREATE FUNCTION postlude.next_limited(at bigint, clock bigint, names text[]) RETURNS bigint LANGUAGE sql AS $$
            SELECT CASE WHEN EXISTS (SELECT FROM postlude.limit_event e WHERE e.name = ANY (names)) THEN
                CASE WHEN EXISTS (
                    SELECT FROM postlude.record r
                    WHERE r.name = ANY (names) AND r.limit_key IS NOT NULL AND r.state = 0 AND r.owner IS NULL)
                THEN at ELSE at + \(RecordLimit.pause) END
            ELSE (
                SELECT min(at + greatest(0, k.due - postlude.limit_time(clock)))
                FROM unnest(names) AS n(name) CROSS JOIN LATERAL (
                    SELECT due FROM postlude.limit_key k WHERE k.name = n.name ORDER BY due LIMIT 1) k)
            END
        $$;

        -- Claims records of a key, each with the later ones of its request if it stops them on failure, and sets when the key is to be
        -- examined next. Called while the lock of the name is held.
        CREATE FUNCTION postlude.serve_limited(
            me bigint, at bigint, clock bigint, room bigint, takes_suspect boolean, left_shapes bigint[], is_controlled boolean,
            task_name text, task_key text, places bigint, rate bigint, period bigint, step bigint, is_strict boolean
        ) RETURNS TABLE (leader bigint, number bigint) LANGUAGE plpgsql AS $$
        #variable_conflict use_column
        DECLARE
            owned bigint;
            begun bigint := 0;
            free bigint;
            served bigint := 0;
            candidates bigint[];
            sought bigint;
            changed bigint;
            aside bigint := 0;
            candidate bigint;
            claimed record;
            barrier bigint;
            head bigint;
            next_due bigint;
            oldest bigint;
        BEGIN
            -- Without a limit of places, one record shows that the key must be kept.
            SELECT count(*) INTO owned FROM (
                SELECT FROM postlude.record r
                WHERE r.name = task_name AND r.limit_key = task_key AND r.limit_key IS NOT NULL AND r.owner IS NOT NULL
                LIMIT coalesce(places, 1)) o;
            free := least(room, places - owned);
            IF rate IS NOT NULL THEN
                DELETE FROM postlude.limit_begin b WHERE b.name = task_name AND b.key = task_key AND b.time <= clock - period;
                SELECT coalesce(sum(b.count), 0) INTO begun FROM postlude.limit_begin b
                WHERE b.name = task_name AND b.key = task_key;
                free := least(free, rate - begun);
            END IF;
            IF free > 0 THEN
                sought := CASE WHEN is_controlled THEN greatest(free, 256) ELSE free END;
                -- While something is paused, each round sets aside what is paused among the first due records.
                LOOP
                    IF is_strict THEN
                        candidates := ARRAY(
                            SELECT r.number FROM postlude.record r
                            WHERE r.name = task_name AND r.limit_key = task_key AND r.limit_key IS NOT NULL AND r.state = 0
                                AND r.owner IS NULL
                            ORDER BY r.number LIMIT 1);
                    ELSE
                        candidates := ARRAY(
                            SELECT c.number FROM generate_series(0, 2) AS p(rank) CROSS JOIN LATERAL (
                                SELECT r.number, r.due FROM postlude.record r
                                WHERE r.name = task_name AND r.limit_key = task_key AND r.limit_key IS NOT NULL AND r.state = 0
                                    AND r.owner IS NULL AND r.priority = p.rank AND r.due <= at
                                    AND (r.expires IS NULL OR r.expires > at)
                                    AND NOT coalesce(r.shape = ANY (left_shapes), false)
                                    AND (takes_suspect OR NOT EXISTS (
                                        SELECT FROM postlude.suspect s WHERE s.record = r.number))
                                ORDER BY r.due, r.number LIMIT sought) c
                            ORDER BY p.rank, c.due, c.number LIMIT sought);
                    END IF;
                    EXIT WHEN NOT is_controlled OR cardinality(candidates) = 0;
                    changed := postlude.set_numbers_aside(candidates, at);
                    EXIT WHEN changed = 0;
                    aside := aside + changed;
                    IF aside >= \(PauseBatch.aside) THEN
                        candidates := '{}';
                        EXIT;
                    END IF;
                END LOOP;
                FOREACH candidate IN ARRAY candidates LOOP
                    EXIT WHEN served >= free;
                    -- An operator's command may have locked it.
                    SELECT r.stops, r.position, EXISTS (SELECT FROM postlude.suspect s WHERE s.record = r.number) AS is_suspect
                    INTO claimed FROM postlude.record r
                    WHERE r.number = candidate AND r.state = 0 AND r.owner IS NULL AND r.due <= at
                        AND (r.expires IS NULL OR r.expires > at) AND NOT coalesce(r.shape = ANY (left_shapes), false)
                    FOR UPDATE SKIP LOCKED;
                    CONTINUE WHEN NOT FOUND;
                    CONTINUE WHEN claimed.is_suspect AND NOT takes_suspect;
                    -- `state < 2`, and not `IN (0, 1)`, for which PostgreSQL would read all of the index `record_open`.
                    IF candidate & 65535 > 0 AND EXISTS (
                        SELECT FROM postlude.record r
                        WHERE r.number >= (candidate & -65536) AND r.number < candidate AND r.stops AND r.state < 2)
                    THEN
                        UPDATE postlude.record r SET due = at + \(RecordLimit.recheck) WHERE r.number = candidate;
                        CONTINUE;
                    END IF;
                    takes_suspect := takes_suspect AND NOT claimed.is_suspect;
                    UPDATE postlude.record r SET owner = me WHERE r.number = candidate;
                    served := served + 1;
                    RETURN QUERY SELECT candidate, candidate;
                    CONTINUE WHEN NOT claimed.stops;
                    UPDATE postlude.record r SET limit_key = NULL
                    WHERE r.number > candidate AND r.number <= candidate | 65535 AND r.limit_key = '\(RecordLimit.follower)';
                    IF is_controlled THEN PERFORM postlude.set_aside(candidate & -65536, at); END IF;
                    SELECT min(r.number) INTO barrier FROM postlude.record r
                    WHERE r.number > candidate AND r.number <= candidate | 65535 AND r.state < 2 AND (
                        (r.stops AND NOT (
                            r.state = 0 AND r.owner IS NULL AND r.limit_key IS NULL AND r.due <= at
                            AND (r.expires IS NULL OR r.expires > at)))
                        OR EXISTS (SELECT FROM postlude.suspect s WHERE s.record = r.number));
                    RETURN QUERY UPDATE postlude.record r SET owner = me
                    WHERE r.number > candidate AND r.number < coalesce(barrier, (candidate | 65535) + 1) AND r.state = 0
                        AND r.owner IS NULL AND r.limit_key IS NULL AND r.due <= at AND (r.expires IS NULL OR r.expires > at)
                    RETURNING candidate, r.number;
                END LOOP;
            END IF;
            IF rate IS NOT NULL AND served > 0 THEN
                INSERT INTO postlude.limit_begin AS b (name, key, time, count)
                VALUES (task_name, task_key, (clock + step - 1) / step * step, served)
                ON CONFLICT (name, key, time) DO UPDATE SET count = b.count + served;
            END IF;
            -- The rest is about the next time.
            IF is_strict THEN
                SELECT r.due INTO head FROM postlude.record r
                WHERE r.name = task_name AND r.limit_key = task_key AND r.limit_key IS NOT NULL AND r.state = 0
                    AND r.owner IS NULL
                ORDER BY r.number LIMIT 1;
            ELSE
                SELECT min(c.due) INTO head FROM generate_series(0, 2) AS p(rank) CROSS JOIN LATERAL (
                    SELECT r.due FROM postlude.record r
                    WHERE r.name = task_name AND r.limit_key = task_key AND r.limit_key IS NOT NULL AND r.state = 0
                        AND r.owner IS NULL AND r.priority = p.rank
                    ORDER BY r.due LIMIT 1) c;
            END IF;
            IF rate IS NOT NULL THEN
                SELECT min(b.time), max(b.time) INTO oldest, next_due FROM postlude.limit_begin b
                WHERE b.name = task_name AND b.key = task_key;
            END IF;
            IF head IS NULL THEN
                next_due := CASE WHEN owned + served > 0 THEN clock + \(RecordLimit.recheck) ELSE next_due + period END;
                IF next_due IS NULL THEN
                    DELETE FROM postlude.limit_key k WHERE k.name = task_name AND k.key = task_key;
                    RETURN;
                END IF;
            ELSE
                next_due := clock + greatest(0, head - at);
                IF owned + served >= places THEN next_due := greatest(next_due, clock + \(RecordLimit.recheck)); END IF;
                IF begun + served >= rate THEN next_due := greatest(next_due, oldest + period); END IF;
                -- Its due records wait for another one, a suspect may not be claimed now, or the records are left to other
                -- processes, which can read them.
                IF served = 0 AND next_due = clock THEN next_due := clock + \(RecordLimit.pause); END IF;
            END IF;
            UPDATE postlude.limit_key k SET due = next_due WHERE k.name = task_name AND k.key = task_key;
        END $$;

        -- Claims records with a limit. The keys are served in the order in which they are due: the one that was served longest ago is
        -- first. A name whose lock is not held yet, and cannot be had, is left to the next claim: the rows that this one has locked
        -- by now are not to be waited for by one that has the lock.
        CREATE FUNCTION postlude.claim_limited(
            me bigint, at bigint, clock bigint, maximum bigint, takes_suspect boolean, left_shapes bigint[],
            is_controlled boolean, names text[], places bigint[], rates bigint[], periods bigint[], steps bigint[],
            stricts boolean[]
        ) RETURNS TABLE (place bigint, line postlude.line) LANGUAGE plpgsql AS $$
        #variable_conflict use_column
        DECLARE
            active integer[] := '{}';
            due_limits integer[];
            due_keys text[];
            i integer;
            part bigint;
            taken bigint := 0;
            last_leader bigint;
            leaders bigint[];
            numbers bigint[];
            claimed record;
        BEGIN
            IF maximum <= 0 THEN RETURN; END IF;
            FOR i IN 1 .. array_length(names, 1) LOOP
                CONTINUE WHEN NOT EXISTS (SELECT FROM postlude.limit_event e WHERE e.name = names[i])
                    AND NOT EXISTS (
                        SELECT FROM postlude.limit_key k WHERE k.name = names[i] AND k.due <= postlude.limit_time(clock));
                CONTINUE WHEN NOT pg_try_advisory_xact_lock(\(LockClass.limit), hashtext(names[i]));
                active := active || i;
            END LOOP;
            -- Read after the locks: the time of a claim is not before that of the one that had the lock.
            clock := postlude.limit_time(clock);
            FOREACH i IN ARRAY active LOOP
                WITH gone AS (DELETE FROM postlude.limit_event e WHERE e.name = names[i] RETURNING e.key)
                INSERT INTO postlude.limit_key AS k (name, key, due)
                SELECT names[i], g.key, claim_limited.clock FROM gone g GROUP BY g.key
                ON CONFLICT (name, key) DO UPDATE SET due = excluded.due WHERE k.due > excluded.due;
            END LOOP;
            WHILE taken < maximum LOOP
                SELECT array_agg(d.i ORDER BY d.due, d.key), array_agg(d.key ORDER BY d.due, d.key) INTO due_limits, due_keys
                FROM (
                    SELECT a.i, k.key, k.due FROM unnest(active) AS a(i) CROSS JOIN LATERAL (
                        SELECT k.key, k.due FROM postlude.limit_key k
                        WHERE k.name = names[a.i] AND k.due <= claim_limited.clock
                        ORDER BY k.due, k.key LIMIT maximum - taken) k
                    ORDER BY k.due, k.key LIMIT maximum - taken) d;
                EXIT WHEN due_keys IS NULL;
                -- A key that cannot be served is due later from now on, so that this ends.
                part := greatest(1, (maximum - taken) / cardinality(due_keys));
                FOR n IN 1 .. cardinality(due_keys) LOOP
                    i := due_limits[n];
                    SELECT array_agg(s.leader), array_agg(s.number) INTO leaders, numbers FROM postlude.serve_limited(
                        me, at, clock, least(part, maximum - taken), takes_suspect, left_shapes, is_controlled, names[i],
                        due_keys[n], places[i], rates[i], periods[i], steps[i], stricts[i]) s;
                    last_leader := NULL;
                    FOR claimed IN
                        SELECT s.leader, l AS line, l.deaths FROM unnest(leaders, numbers) AS s(leader, number)
                        JOIN postlude.line l ON l.number = s.number
                        ORDER BY s.leader, l.number
                    LOOP
                        IF last_leader IS DISTINCT FROM claimed.leader THEN
                            last_leader := claimed.leader;
                            taken := taken + 1;
                        END IF;
                        takes_suspect := takes_suspect AND coalesce(claimed.deaths, 0) = 0;
                        place := taken;
                        line := claimed.line;
                        RETURN NEXT;
                    END LOOP;
                END LOOP;
            END LOOP;
        END $$;

        -- Claims requests with and without limits. If both wait, neither gets more than half of the maximum, rounded up.
        CREATE FUNCTION postlude.claim_with_limits(
            me bigint, at bigint, maximum bigint, takes_suspect boolean, left_shapes bigint[], clock bigint,
            limited_first boolean, names text[], places bigint[], rates bigint[], periods bigint[], steps bigint[],
            stricts boolean[]
        ) RETURNS TABLE (place bigint, line postlude.line) LANGUAGE plpgsql AS $$
        #variable_conflict use_column
        DECLARE
            taken bigint := 0;
            base bigint;
            room bigint;
            claimed record;
            is_controlled boolean := postlude.is_controlled();
        BEGIN
            IF is_controlled THEN PERFORM postlude.follow_control(at); END IF;
            FOR turn IN 1 .. 3 LOOP
                EXIT WHEN taken >= maximum;
                room := CASE turn WHEN 1 THEN (maximum + 1) / 2 ELSE maximum - taken END;
                base := taken;
                FOR claimed IN
                    SELECT c.place, c.line FROM postlude.claim_limited(
                        me, at, clock, CASE WHEN (turn <> 2) = limited_first THEN room ELSE 0 END, takes_suspect, left_shapes,
                        is_controlled, names, places, rates, periods, steps, stricts) c
                    UNION ALL
                    SELECT c.place, c.line FROM postlude.claim(
                        me, at, CASE WHEN (turn <> 2) = limited_first THEN 0 ELSE room END, takes_suspect, left_shapes) c
                LOOP
                    taken := base + claimed.place;
                    takes_suspect := takes_suspect AND coalesce((claimed.line).deaths, 0) = 0;
                    place := taken;
                    line := claimed.line;
                    RETURN NEXT;
                END LOOP;
            END LOOP;
        END $$;


        """
}
