internal import PostludeTaskStore

/// The tables and functions, as a list of migrations. A released migration is never changed, only followed by another one.
enum StoreSchema {
    struct Migration: Sendable {
        let version: Int64
        let name: String
        let sql: String
    }

    static let migrations = [
        Migration(
            version: 1, name: "records",
            sql: tables + changes + control + functions + limits + enqueue + transactions),
        Migration(version: 2, name: "answers", sql: answers),
        Migration(version: 3, name: "failures", sql: failures),
    ]

    static let current = migrations.last?.version ?? 0

    /// The first number of all advisory locks of the store: "PsJl" in ASCII, and the numbers after it.
    enum LockClass {
        /// The life of an owner, by its number: held shared by its life session and by each of its transactions.
        static let owner = 1_349_733_996
        /// The right to publish a queue's records, by the queue's number.
        static let publisher = 1_349_733_997
        /// The migration of the tables.
        static let migration = 1_349_733_998
        /// A unique key of a scope beyond `unfinished`, by its hash.
        static let key = 1_349_733_999
        /// The preparation of the application's own tables.
        static let preparation = 1_349_733_995
        /// The claims of records with a limit, by the hash of their name.
        static let limit = 1_349_734_000
    }

    static let history = """
        CREATE SCHEMA IF NOT EXISTS postlude;
        CREATE TABLE IF NOT EXISTS postlude.migration (
            version bigint PRIMARY KEY,
            name text NOT NULL,
            applied timestamptz NOT NULL DEFAULT now()
        );
        """

    /// Returns the statements that apply one migration, and note it.
    static func sql(_ migration: Migration) -> String {
        """
        \(migration.sql)
        INSERT INTO postlude.migration (version, name) VALUES (\(migration.version), '\(migration.name)');
        """
    }

    /// Times are milliseconds since 1970. The records of a request have consecutive numbers: its block, 65536 numbers from the
    /// sequence's number times 65536 on, and within it in their order. So the records of a request are a range of the primary
    /// key, and two sessions append without waiting for each other.
    ///
    /// The number of an owner is never reused, so that a dead owner stays dead.
    private static let tables = """
        CREATE TABLE postlude.store (id uuid NOT NULL DEFAULT gen_random_uuid());
        INSERT INTO postlude.store DEFAULT VALUES;

        CREATE SEQUENCE postlude.block AS bigint MAXVALUE 140737488355327;

        CREATE TABLE postlude.owner (
            number bigint GENERATED ALWAYS AS IDENTITY (MAXVALUE 2147483647) PRIMARY KEY,
            pid bigint NOT NULL,
            process_start bigint NOT NULL,
            host text NOT NULL,
            machine text NOT NULL,
            started bigint NOT NULL,
            is_stopping boolean NOT NULL DEFAULT false,
            is_dead boolean NOT NULL DEFAULT false
        );

        CREATE TABLE postlude.queue (
            number bigint GENERATED ALWAYS AS IDENTITY (MAXVALUE 2147483647) PRIMARY KEY,
            name text NOT NULL UNIQUE,
            due bigint NOT NULL DEFAULT 0
        );

        CREATE TABLE postlude.record (
            number bigint PRIMARY KEY,
            added bigint NOT NULL,
            due bigint NOT NULL,
            expires bigint,
            started bigint,
            ended bigint,
            owner bigint,
            queue bigint,
            shape bigint,
            unique_until bigint,
            id uuid NOT NULL,
            stopped_by uuid,
            position integer NOT NULL,
            attempts integer NOT NULL DEFAULT 0,
            takeovers integer NOT NULL DEFAULT 0,
            interruptions integer NOT NULL DEFAULT 0,
            priority smallint NOT NULL,
            state smallint NOT NULL,
            stops boolean NOT NULL,
            once boolean NOT NULL,
            is_endless boolean NOT NULL DEFAULT false,
            request text NOT NULL,
            route text NOT NULL,
            name text NOT NULL,
            unique_key text,
            limit_key text,
            error text,
            progress text,
            result bytea,
            payload bytea NOT NULL
        ) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
        CREATE UNIQUE INDEX record_id ON postlude.record (id);
        CREATE INDEX record_ready ON postlude.record (priority, due, number)
            WHERE state = 0 AND owner IS NULL AND limit_key IS NULL;
        CREATE INDEX record_owned ON postlude.record (owner, number) WHERE owner IS NOT NULL;
        CREATE UNIQUE INDEX record_key ON postlude.record (name, unique_key)
            WHERE unique_key IS NOT NULL AND state IN (0, 1, 6);
        CREATE INDEX record_newest_key ON postlude.record (name, unique_key, number) WHERE unique_key IS NOT NULL;
        CREATE INDEX record_expiry ON postlude.record (expires)
            WHERE expires IS NOT NULL AND state = 0 AND owner IS NULL;
        CREATE INDEX record_outgoing ON postlude.record (queue, number) WHERE state = 6;
        CREATE INDEX record_over ON postlude.record (state, ended) WHERE ended IS NOT NULL;
        CREATE INDEX record_open ON postlude.record (name, state, number) WHERE state IN (0, 1, 3, 6);
        CREATE INDEX record_stopped ON postlude.record (stopped_by) WHERE stopped_by IS NOT NULL;

        -- The shapes of payloads, of which a record has the number. `unreadable`: when a process could first not read one.
        CREATE TABLE postlude.shape (
            number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            version bigint NOT NULL,
            unreadable bigint,
            name text NOT NULL,
            structure text NOT NULL
        );
        CREATE UNIQUE INDEX shape_structure ON postlude.shape (name, version, md5(structure));

        CREATE TABLE postlude.suspect (
            record bigint PRIMARY KEY REFERENCES postlude.record ON DELETE CASCADE,
            deaths integer NOT NULL,
            owner bigint NOT NULL
        );

        CREATE TABLE postlude.step (
            record bigint NOT NULL REFERENCES postlude.record ON DELETE CASCADE,
            position integer NOT NULL,
            name text NOT NULL,
            value bytea NOT NULL,
            PRIMARY KEY (record, name)
        );

        CREATE TABLE postlude.firing (
            schedule text NOT NULL,
            time bigint NOT NULL,
            PRIMARY KEY (schedule, time)
        );
        CREATE INDEX firing_time ON postlude.firing (time);

        CREATE VIEW postlude.line AS SELECT
            number, id::text AS id, request, position::bigint AS position, name, priority::bigint AS priority,
            state::bigint AS state, added, due, expires, unique_key, owner, attempts::bigint AS attempts, started, ended,
            (SELECT queue.name FROM postlude.queue WHERE queue.number = record.queue) AS queue, error, route,
            (SELECT suspect.deaths::bigint FROM postlude.suspect WHERE suspect.record = record.number) AS deaths,
            payload, result, stops, stopped_by::text AS stopped_by, takeovers::bigint AS takeovers,
            queue AS queue_number, shape, progress, limit_key
        FROM postlude.record;


        """

    /// The answers to requests with an idempotency key. `key` is the digest of the key, `head` is JSON, and `tasks` are the ids of
    /// the request's records. The sum of `bytes` is that of all rows of `answers`: each process counts in a row that few others
    /// use, since a process that has changed a row makes others wait for its commit.
    private static let answers = """
        CREATE TABLE postlude.answer (
            number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            expires bigint NOT NULL,
            bytes bigint NOT NULL,
            status bigint NOT NULL,
            key bytea NOT NULL UNIQUE,
            fingerprint bytea NOT NULL,
            route text NOT NULL,
            tasks text NOT NULL,
            head bytea NOT NULL,
            body bytea NOT NULL
        );
        CREATE INDEX answer_expires ON postlude.answer (expires);

        CREATE TABLE postlude.answers (shard bigint PRIMARY KEY, bytes bigint NOT NULL);
        INSERT INTO postlude.answers SELECT shard, 0 FROM generate_series(0, 63) AS shard;

        CREATE FUNCTION postlude.count_answers(me bigint, added bigint) RETURNS void LANGUAGE sql AS $$
            UPDATE postlude.answers SET bytes = bytes + added WHERE shard = coalesce(me, 0) & 63
        $$;

        -- Locks a key for this session, and then looks its answer up: each statement of a function sees what was committed
        -- before the statement.
        CREATE FUNCTION postlude.begin_key(lock_number bigint, digest bytea, at bigint) RETURNS TABLE (
            is_locked boolean, all_bytes bigint, fingerprint bytea, status bigint, head bytea, body bytea, tasks text,
            expires bigint
        ) LANGUAGE plpgsql AS $$
        #variable_conflict use_column
        DECLARE has_lock boolean := pg_try_advisory_lock(lock_number);
        BEGIN
            RETURN QUERY SELECT has_lock, (SELECT sum(c.bytes)::bigint FROM postlude.answers c), a.fingerprint, a.status, a.head,
                a.body, a.tasks, a.expires
            FROM (SELECT 1) AS one
            LEFT JOIN postlude.answer a ON a.key = digest AND a.expires > at;
        END $$;

        -- Stores the records of a request, as `append` does, and its answer. With `again`, an equal answer was stored by an
        -- attempt whose result is unknown.
        CREATE FUNCTION postlude.append_answered(
            me bigint, at bigint, again boolean, block bigint, request_id text, request_route text, ids uuid[], names text[],
            payloads bytea[], priorities bigint[], not_befores bigint[], expiries bigint[], keys text[], onces boolean[],
            queues text[], in_turns boolean[], stopses boolean[], shapes bigint[], limit_keys text[], windows bigint[],
            followers boolean[], allowances bigint[], clock bigint, digest bytea, key_route text, new_expires bigint,
            new_bytes bigint, new_fingerprint bytea, new_status bigint, earlier_tasks text, new_head bytea, new_body bytea
        ) RETURNS TABLE (place bigint, added boolean, is_owned boolean, line postlude.line) LANGUAGE plpgsql AS $$
        #variable_conflict use_variable
        DECLARE
            stored record;
            all_tasks text := earlier_tasks;
            expired_bytes bigint;
        BEGIN
            FOR stored IN SELECT a.place, a.added, a.is_owned, a.line FROM postlude.append(
                me, at, again, block, request_id, request_route, ids, names, payloads, priorities, not_befores, expiries, keys,
                onces, queues, in_turns, stopses, shapes, limit_keys, windows, followers, allowances, clock) a
            LOOP
                place := stored.place;
                added := stored.added;
                is_owned := stored.is_owned;
                line := stored.line;
                all_tasks := concat_ws(
                    ' ', nullif(all_tasks, ''), CASE WHEN added THEN ids[place]::text ELSE (stored.line).id END);
                RETURN NEXT;
            END LOOP;
            IF again AND EXISTS (
                SELECT FROM postlude.answer a WHERE a.key = digest AND a.expires = new_expires
                    AND a.fingerprint = new_fingerprint AND a.body = new_body)
            THEN
                RETURN;
            END IF;
            DELETE FROM postlude.answer a WHERE a.key = digest AND a.expires <= at RETURNING a.bytes INTO expired_bytes;
            INSERT INTO postlude.answer (key, route, expires, bytes, fingerprint, status, tasks, head, body)
            VALUES (
                digest, key_route, new_expires, new_bytes + length(all_tasks), new_fingerprint, new_status, all_tasks, new_head,
                new_body);
            PERFORM postlude.count_answers(me, new_bytes + length(all_tasks) - coalesce(expired_bytes, 0));
        END $$;

        -- Returns the number of answers that were removed.
        CREATE FUNCTION postlude.remove_answers(me bigint, before bigint, maximum bigint) RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE
            removed bigint;
            freed bigint;
        BEGIN
            WITH expired AS (
                DELETE FROM postlude.answer WHERE number IN (
                    SELECT a.number FROM postlude.answer a WHERE a.expires <= before ORDER BY a.expires LIMIT maximum
                    FOR UPDATE SKIP LOCKED)
                RETURNING bytes)
            SELECT count(*), coalesce(sum(bytes), 0) INTO removed, freed FROM expired;
            IF removed > 0 THEN PERFORM postlude.count_answers(me, -freed); END IF;
            RETURN removed;
        END $$;
        """

    /// The rows by which the commits of the application's connections are recognized.
    private static let transactions = """
        CREATE TABLE postlude.connection (
            id uuid PRIMARY KEY,
            owner bigint NOT NULL REFERENCES postlude.owner ON DELETE CASCADE,
            last_commit uuid,
            is_closed boolean NOT NULL DEFAULT false
        );
        CREATE INDEX connection_owner ON postlude.connection (owner);

        -- As `fence`, in a transaction of the application.
        CREATE FUNCTION postlude.enter(me bigint) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM postlude.fence(me);
            -- A snapshot that was taken before does not show that the owner has been declared dead since.
            IF current_setting('transaction_isolation') <> 'read committed' THEN
                PERFORM FROM postlude.owner o WHERE o.number = me FOR SHARE;
            END IF;
        END $$;

        -- Writes the id of a transaction that is being committed; fails if its process has given it up.
        CREATE FUNCTION postlude.mark(connection_id uuid, commit_id uuid) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE postlude.connection c SET last_commit = commit_id WHERE c.id = connection_id AND NOT c.is_closed;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'the transaction has been given up' USING ERRCODE = 'PL002';
            END IF;
        END $$;
        """

    private static let functions = """
        -- Fails if an owner has been declared dead, and otherwise keeps it from being declared dead until the transaction ends.
        CREATE FUNCTION postlude.fence(me bigint) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            IF me IS NULL THEN RETURN; END IF;
            PERFORM pg_advisory_xact_lock_shared(\(LockClass.owner), me::integer);
            IF NOT EXISTS (SELECT FROM postlude.owner o WHERE o.number = me AND NOT o.is_dead) THEN
                RAISE EXCEPTION 'the owner % has been declared dead', me USING ERRCODE = '\(PostgreSQLError.declaredDead)';
            END IF;
        END $$;

        CREATE FUNCTION postlude.queue_number(queue_name text) RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE found bigint;
        BEGIN
            LOOP
                SELECT q.number INTO found FROM postlude.queue q WHERE q.name = queue_name;
                IF found IS NOT NULL THEN RETURN found; END IF;
                INSERT INTO postlude.queue (name) VALUES (queue_name) ON CONFLICT DO NOTHING;
            END LOOP;
        END $$;

        -- Stores the records of a request. With `again`, those that exist were stored by an attempt whose result is unknown.
        -- `block` is the number of the first record; NULL to take a new one. `windows` are the times, in milliseconds, for which
        -- unique keys are held; `followers` are records that follow one with a limit. `allowances` has four numbers for each record,
        -- those of its limit: the places (0 if it must wait), and the count, the period and the step of the rate. If it is empty,
        -- each record with a limit waits. `clock` is the time for rates; NULL for that of the server.
        CREATE FUNCTION postlude.append(
            me bigint, at bigint, again boolean, block bigint, request_id text, request_route text, ids uuid[], names text[],
            payloads bytea[], priorities bigint[], not_befores bigint[], expiries bigint[], keys text[], onces boolean[],
            queues text[], in_turns boolean[], stopses boolean[], shapes bigint[],
            limit_keys text[] DEFAULT NULL, windows bigint[] DEFAULT NULL, followers boolean[] DEFAULT NULL,
            allowances bigint[] DEFAULT NULL, clock bigint DEFAULT NULL
        ) RETURNS TABLE (place bigint, added boolean, is_owned boolean, line postlude.line) LANGUAGE plpgsql AS $$
        #variable_conflict use_column
        DECLARE
            next_number bigint := block;
            other bigint;
            first_state smallint;
            own bigint;
            can_own boolean;
            queue_id bigint;
            is_free boolean := false;
            -- Whether a record that stops the others waits because of its limit.
            is_blocked boolean := coalesce(followers[1], false);
        BEGIN
            FOR i IN 1 .. coalesce(array_length(ids, 1), 0) LOOP
                IF again AND EXISTS (SELECT FROM postlude.record r WHERE r.id = ids[i]) THEN
                    RETURN QUERY SELECT i::bigint, true, false, NULL::postlude.line;
                    is_blocked := is_blocked OR (limit_keys[i] IS NOT NULL AND stopses[i]);
                    CONTINUE;
                END IF;
                queue_id := CASE WHEN queues[i] IS NOT NULL THEN postlude.queue_number(queues[i]) END;
                first_state := CASE WHEN queues[i] IS NULL OR in_turns[i] THEN 0 ELSE 6 END;
                can_own := me IS NOT NULL AND not_befores[i] IS NULL AND first_state = 0;
                LOOP
                    IF keys[i] IS NOT NULL THEN
                        IF onces[i] THEN
                            PERFORM pg_advisory_xact_lock(\(LockClass.key), hashtext(names[i] || chr(10) || keys[i]));
                            SELECT r.number INTO other FROM postlude.record r
                            WHERE r.name = names[i] AND r.unique_key = keys[i] ORDER BY r.number DESC LIMIT 1;
                        ELSIF windows[i] IS NOT NULL THEN
                            PERFORM pg_advisory_xact_lock(\(LockClass.key), hashtext(names[i] || chr(10) || keys[i]));
                            SELECT r.number INTO other FROM postlude.record r
                            WHERE r.name = names[i] AND r.unique_key = keys[i]
                                AND (r.state IN (0, 1, 6) OR r.added > at - windows[i])
                            ORDER BY r.number DESC LIMIT 1;
                        ELSE
                            SELECT r.number INTO other FROM postlude.record r
                            WHERE r.name = names[i] AND r.unique_key = keys[i] AND r.state IN (0, 1, 6);
                        END IF;
                        IF FOUND THEN
                            RETURN QUERY SELECT i::bigint, false, false, l FROM postlude.line l WHERE l.number = other;
                            EXIT;
                        END IF;
                    END IF;
                    own := CASE
                        WHEN NOT can_own THEN NULL
                        WHEN limit_keys[i] IS NULL AND followers[i] IS NOT TRUE THEN me
                        WHEN is_blocked OR coalesce(cardinality(allowances), 0) = 0 THEN NULL
                        WHEN limit_keys[i] IS NULL THEN me
                        WHEN postlude.admits(
                            names[i], limit_keys[i], allowances[4 * i - 3], allowances[4 * i - 2], allowances[4 * i - 1], clock)
                            THEN me
                    END;
                    IF next_number IS NULL THEN next_number := nextval('postlude.block') << 16; END IF;
                    INSERT INTO postlude.record (
                        number, added, due, expires, owner, queue, unique_until, id, position, priority, state, stops, once,
                        request, route, name, unique_key, limit_key, payload, shape)
                    VALUES (
                        next_number, at, greatest(at, coalesce(not_befores[i], at)), expiries[i], own, queue_id,
                        CASE WHEN keys[i] IS NOT NULL THEN at + windows[i] END, ids[i],
                        CASE WHEN block IS NULL THEN i - 1 ELSE next_number & 65535 END, priorities[i], first_state, stopses[i],
                        keys[i] IS NOT NULL AND onces[i], request_id, request_route, names[i], keys[i],
                        CASE WHEN limit_keys[i] IS NULL AND is_blocked THEN '\(RecordLimit.follower)' ELSE limit_keys[i] END,
                        payloads[i], shapes[i])
                    ON CONFLICT (name, unique_key) WHERE unique_key IS NOT NULL AND state IN (0, 1, 6) DO NOTHING;
                    IF FOUND THEN
                        next_number := next_number + 1;
                        IF limit_keys[i] IS NOT NULL AND own IS NULL THEN
                            is_blocked := is_blocked OR stopses[i];
                            INSERT INTO postlude.limit_event (name, key) VALUES (names[i], limit_keys[i]);
                        ELSIF limit_keys[i] IS NOT NULL AND allowances[4 * i - 2] IS NOT NULL THEN
                            PERFORM postlude.note_beginning(
                                names[i], limit_keys[i], allowances[4 * i - 1], allowances[4 * i], clock);
                        END IF;
                        is_free := is_free OR (own IS NULL AND first_state = 0 AND coalesce(not_befores[i], at) <= at);
                        RETURN QUERY SELECT i::bigint, true, own IS NOT NULL, NULL::postlude.line;
                        EXIT;
                    END IF;
                    -- Another transaction has stored a record with the key meanwhile: it is looked up again.
                END LOOP;
            END LOOP;
            IF is_free THEN NOTIFY postlude; END IF;
        END $$;

        -- Stores records, as `append` does, each as the only one of its request.
        CREATE FUNCTION postlude.append_each(
            at bigint, again boolean, request_id text, request_route text, ids uuid[], names text[], payloads bytea[],
            priorities bigint[], not_befores bigint[], expiries bigint[], keys text[], onces boolean[], queues text[],
            shapes bigint[], limit_keys text[], windows bigint[]
        ) RETURNS TABLE (place bigint, added boolean, is_owned boolean, line postlude.line) LANGUAGE plpgsql AS $$
        #variable_conflict use_variable
        DECLARE item record;
        BEGIN
            FOR item IN
                SELECT * FROM unnest(
                    ids, names, payloads, priorities, not_befores, expiries, keys, onces, queues, shapes, limit_keys, windows
                ) WITH ORDINALITY AS u (
                    id, name, payload, priority, not_before, expiry, unique_key, once, queue, shape, limit_key, unique_window,
                    number)
                ORDER BY u.number
            LOOP
                RETURN QUERY SELECT item.number, a.added, a.is_owned, a.line FROM postlude.append(
                    NULL, at, again, NULL, request_id, request_route, ARRAY[item.id], ARRAY[item.name], ARRAY[item.payload],
                    ARRAY[item.priority], ARRAY[item.not_before], ARRAY[item.expiry], ARRAY[item.unique_key], ARRAY[item.once],
                    ARRAY[item.queue], ARRAY[false], ARRAY[false], ARRAY[item.shape], ARRAY[item.limit_key],
                    ARRAY[item.unique_window]) a;
            END LOOP;
        END $$;

        -- Ends a record that is done, and stores the records that it adds, unless it is over already, or another owner's.
        CREATE FUNCTION postlude.finish(
            me bigint, lenient boolean, record_id uuid, new_result bytea, more_attempts bigint, start bigint, at bigint,
            again boolean, request_id text, request_route text, ids uuid[], names text[], payloads bytea[],
            priorities bigint[], not_befores bigint[], expiries bigint[], keys text[], onces boolean[], queues text[],
            shapes bigint[], limit_keys text[], windows bigint[]
        ) RETURNS void LANGUAGE plpgsql AS $$
        #variable_conflict use_column
        BEGIN
            UPDATE postlude.record r
            SET state = 2, owner = NULL, ended = at, error = NULL, result = new_result,
                attempts = r.attempts + more_attempts, started = coalesce(start, r.started)
            WHERE r.id = record_id AND r.state IN (0, 1, 6)
                AND (r.owner = me OR (r.owner IS NULL AND (lenient OR r.state = 6)));
            IF FOUND THEN
                PERFORM count(*) FROM postlude.append_each(
                    at, again, request_id, request_route, ids, names, payloads, priorities, not_befores, expiries, keys,
                    onces, queues, shapes, limit_keys, windows);
            END IF;
        END $$;

        -- Stores the records of a schedule's firing, as `append` does, after a row with the place 0; returns no row if it has
        -- fired for that time already, or for a later one.
        CREATE FUNCTION postlude.fire(
            schedule text, fired_time bigint, me bigint, at bigint, again boolean, block bigint, request_id text,
            request_route text, ids uuid[], names text[], payloads bytea[], priorities bigint[], not_befores bigint[],
            expiries bigint[], keys text[], onces boolean[], queues text[], in_turns boolean[], stopses boolean[],
            shapes bigint[], limit_keys text[], windows bigint[], followers boolean[], allowances bigint[], clock bigint
        ) RETURNS TABLE (place bigint, added boolean, is_owned boolean, line postlude.line) LANGUAGE plpgsql AS $$
        #variable_conflict use_variable
        BEGIN
            PERFORM pg_advisory_xact_lock(\(LockClass.key), hashtext(schedule));
            INSERT INTO postlude.firing SELECT schedule, fired_time
            WHERE NOT EXISTS (SELECT FROM postlude.firing f WHERE f.schedule = schedule AND f.time >= fired_time);
            IF NOT FOUND AND NOT (again AND EXISTS (SELECT FROM postlude.record r WHERE r.id = ANY (ids))) THEN RETURN; END IF;
            RETURN QUERY SELECT 0::bigint, true, false, NULL::postlude.line;
            RETURN QUERY SELECT a.place, a.added, a.is_owned, a.line FROM postlude.append(
                me, at, again, block, request_id, request_route, ids, names, payloads, priorities, not_befores, expiries, keys,
                onces, queues, in_turns, stopses, shapes, limit_keys, windows, followers, allowances, clock) a;
        END $$;

        -- Ends the records after one that has not succeeded, if that one stops the others.
        CREATE FUNCTION postlude.stop_after(blocker uuid, what text, at bigint, new_state bigint)
        RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            WITH stopped AS (
                UPDATE postlude.record r
                SET state = new_state, owner = NULL, ended = at, stopped_by = b.id,
                    error = 'the task ' || b.name || ' ' || b.id || ' before it ' || what
                FROM postlude.record b
                WHERE b.id = blocker AND b.stops AND r.number > b.number AND r.number <= (b.number | 65535) AND r.state = 0
                RETURNING r.name, r.limit_key
            )
            -- In a strict order, others may have waited for them.
            INSERT INTO postlude.limit_event (name, key) SELECT DISTINCT s.name, s.limit_key FROM stopped s
            WHERE s.limit_key <> '\(RecordLimit.follower)';
        END $$;

        -- Ends a record that has not succeeded, unless it is over or another owner's. With `lenient`, it need not have an owner.
        -- The later records that depend on it get the state `stopped_state`.
        CREATE FUNCTION postlude.close(
            me bigint, lenient boolean, record_id uuid, new_state bigint, why text, blocker uuid, what text, at bigint,
            stopped_state bigint
        ) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE postlude.record r
            SET state = new_state, owner = NULL, ended = at, error = coalesce(why, r.error),
                stopped_by = coalesce(blocker, r.stopped_by)
            WHERE r.id = record_id AND r.state IN (0, 1, 6) AND (r.owner = me OR (r.owner IS NULL AND (lenient OR r.state = 6)));
            IF FOUND THEN
                PERFORM postlude.stop_after(record_id, what, at, stopped_state);
                PERFORM postlude.note_limit_of(record_id);
            END IF;
        END $$;

        -- Moves a record to the outbox.
        CREATE FUNCTION postlude.move(
            me bigint, lenient boolean, record_id uuid, queue_name text, why text, what text, at bigint
        ) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE postlude.record r
            SET state = 6, owner = NULL, queue = postlude.queue_number(queue_name), error = coalesce(why, r.error)
            WHERE r.id = record_id AND r.state IN (0, 1) AND (r.owner = me OR (r.owner IS NULL AND lenient));
            IF FOUND AND why IS NOT NULL THEN PERFORM postlude.stop_after(record_id, what, at, 3); END IF;
        END $$;

        -- Whether a request has a record whose process has died and that waits.
        CREATE FUNCTION postlude.is_suspected(record_number bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
            SELECT EXISTS (
                SELECT FROM postlude.suspect s JOIN postlude.record d ON d.number = s.record
                WHERE s.record BETWEEN record_number & -65536 AND record_number | 65535 AND d.state = 0 AND d.limit_key IS NULL)
        $$;

        -- Ends records that have expired.
        CREATE FUNCTION postlude.close_expired(at bigint, what text) RETURNS void LANGUAGE plpgsql AS $$
        DECLARE expired record;
        BEGIN
            FOR expired IN
                SELECT r.number, r.id, r.stops, r.limit_key FROM postlude.record r
                WHERE r.expires <= at AND r.expires IS NOT NULL AND r.state = 0 AND r.owner IS NULL
                ORDER BY r.expires LIMIT 512 FOR UPDATE SKIP LOCKED
            LOOP
                UPDATE postlude.record r SET state = 4, ended = at WHERE r.number = expired.number;
                IF expired.stops THEN PERFORM postlude.stop_after(expired.id, what, at, 3); END IF;
                IF expired.limit_key IS NOT NULL THEN PERFORM postlude.note_limit_of(expired.id); END IF;
            END LOOP;
        END $$;

        -- Claims the due records of one request for an owner, up to one that others must wait for.
        CREATE FUNCTION postlude.claim_request(me bigint, at bigint, block bigint)
        RETURNS SETOF bigint LANGUAGE plpgsql AS $$
        DECLARE
            first_number bigint;
            barrier bigint;
        BEGIN
            -- The session that locks the first record that can be claimed claims the request: no request is split.
            SELECT r.number INTO first_number FROM postlude.record r
            WHERE r.number BETWEEN block AND block | 65535 AND r.state = 0 AND r.owner IS NULL AND r.due <= at
                AND r.limit_key IS NULL AND (r.expires IS NULL OR r.expires > at)
            ORDER BY r.number LIMIT 1;
            IF NOT FOUND THEN RETURN; END IF;
            PERFORM FROM postlude.record r
            WHERE r.number = first_number AND r.state = 0 AND r.owner IS NULL AND r.due <= at FOR UPDATE SKIP LOCKED;
            IF NOT FOUND THEN RETURN; END IF;
            SELECT r.number INTO barrier FROM postlude.record r
            WHERE r.number BETWEEN block AND block | 65535 AND r.stops AND r.state IN (0, 1)
                AND NOT (r.state = 0 AND r.owner IS NULL AND r.due <= at AND r.limit_key IS NULL
                    AND (r.expires IS NULL OR r.expires > at))
            ORDER BY r.number LIMIT 1;
            IF barrier IS NOT NULL THEN
                UPDATE postlude.record r SET due = at + 5000
                WHERE r.number > barrier AND r.number <= block | 65535 AND r.state = 0 AND r.owner IS NULL AND r.due <= at
                    AND r.limit_key IS NULL;
            END IF;
            RETURN QUERY UPDATE postlude.record r SET owner = me
            WHERE r.number >= block AND r.number < coalesce(barrier, (block | 65535) + 1) AND r.state = 0
                AND r.owner IS NULL AND r.due <= at AND r.limit_key IS NULL AND (r.expires IS NULL OR r.expires > at)
            RETURNING r.number;
        END $$;

        -- Claims requests: at most one with a suspect, which comes first, then by priority, due time and number. Those that have
        -- only records of the shapes that are left to other processes do not count as due.
        CREATE FUNCTION postlude.claim(
            me bigint, at bigint, maximum bigint, takes_suspect boolean, left_shapes bigint[])
        RETURNS TABLE (place bigint, line postlude.line) LANGUAGE plpgsql AS $$
        #variable_conflict use_column
        DECLARE
            taken bigint := 0;
            candidate bigint;
            block bigint;
            seen bigint[] := '{}';
            numbers bigint[];
            aside bigint := 0;
            is_controlled boolean := postlude.is_controlled();
        BEGIN
            IF is_controlled THEN PERFORM postlude.follow_control(at); END IF;
            IF takes_suspect AND maximum > 0 THEN
                SELECT d.number & -65536 INTO block FROM postlude.suspect s JOIN postlude.record d ON d.number = s.record
                WHERE d.state = 0 AND d.owner IS NULL AND d.due <= at AND d.limit_key IS NULL
                    AND (d.expires IS NULL OR d.expires > at) AND NOT coalesce(d.shape = ANY (left_shapes), false)
                ORDER BY d.due, d.number LIMIT 1;
                IF FOUND THEN
                    seen := ARRAY[block];
                    IF is_controlled THEN aside := aside + postlude.set_aside(block, at); END IF;
                    numbers := ARRAY(SELECT postlude.claim_request(me, at, block));
                    IF cardinality(numbers) > 0 THEN
                        taken := 1;
                        RETURN QUERY SELECT taken, l FROM postlude.line l WHERE l.number = ANY (numbers) ORDER BY l.number;
                    END IF;
                END IF;
            END IF;
            FOR rank IN 0 .. 2 LOOP
                EXIT WHEN taken >= maximum;
                FOR candidate IN
                    SELECT r.number FROM postlude.record r
                    WHERE r.state = 0 AND r.owner IS NULL AND r.limit_key IS NULL AND r.priority = rank AND r.due <= at
                        AND (r.expires IS NULL OR r.expires > at)
                        AND NOT coalesce(r.shape = ANY (left_shapes), false)
                    ORDER BY r.due, r.number
                LOOP
                    block := candidate & -65536;
                    CONTINUE WHEN block = ANY (seen);
                    seen := seen || block;
                    CONTINUE WHEN postlude.is_suspected(block);
                    IF is_controlled THEN aside := aside + postlude.set_aside(block, at); END IF;
                    IF aside > 32 THEN
                        -- There are many: they are set aside at once, and the next claim takes the others.
                        PERFORM postlude.set_many_aside(rank, at);
                        RETURN;
                    END IF;
                    numbers := ARRAY(SELECT postlude.claim_request(me, at, block));
                    CONTINUE WHEN cardinality(numbers) = 0;
                    taken := taken + 1;
                    RETURN QUERY SELECT taken, l FROM postlude.line l WHERE l.number = ANY (numbers) ORDER BY l.number;
                    EXIT WHEN taken >= maximum;
                END LOOP;
            END LOOP;
        END $$;


        """

    /// The interface for programs in other languages, which is documented.
    private static let enqueue = """
        CREATE FUNCTION postlude.enqueue(
            name text, payload jsonb DEFAULT '{}', delay interval DEFAULT NULL, not_before timestamptz DEFAULT NULL,
            unique_key text DEFAULT NULL, scope text DEFAULT 'unfinished', priority text DEFAULT 'normal',
            expires timestamptz DEFAULT NULL, stops boolean DEFAULT false, queue text DEFAULT NULL
        ) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        #variable_conflict use_variable
        DECLARE
            at bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
            bytes bytea := uuid_send(gen_random_uuid());
            id uuid;
            block bigint := nullif(current_setting('postlude.block', true), '');
            rank integer := array_position(ARRAY['high', 'normal', 'low'], priority) - 1;
            begins timestamptz := coalesce(not_before, clock_timestamp() + delay);
            limit_key text := CASE WHEN queue IS NULL THEN postlude.limit_key_of(name, payload) END;
            result record;
        BEGIN
            IF name IS NULL OR payload IS NULL THEN
                RAISE EXCEPTION 'a task needs a name and a payload' USING ERRCODE = '22004';
            END IF;
            IF rank IS NULL THEN
                RAISE EXCEPTION 'the priority "%" is not high, normal or low', priority USING ERRCODE = '22023';
            END IF;
            IF scope IS NULL OR scope NOT IN ('unfinished', 'stored') THEN
                RAISE EXCEPTION 'the scope "%" is not unfinished or stored', scope USING ERRCODE = '22023';
            END IF;
            IF delay IS NOT NULL AND not_before IS NOT NULL THEN
                RAISE EXCEPTION 'a task has a delay or a time, not both' USING ERRCODE = '22023';
            END IF;
            -- An id of version 7 (RFC 9562), like those of all records.
            bytes := overlay(bytes PLACING substring(int8send(at) FROM 3) FROM 1 FOR 6);
            bytes := set_byte(bytes, 6, get_byte(bytes, 6) & 15 | 112);
            id := encode(bytes, 'hex')::uuid;
            -- The calls of one transaction are one request: its tasks run in the order of the calls. The setting may be any
            -- number, since every role can set it: it must follow a record that such a call has stored.
            IF block IS NULL OR block & 65535 IN (0, 65535) OR NOT EXISTS (
                SELECT FROM postlude.record r
                WHERE r.number = block - 1 AND r.request = 'transaction ' || (block >> 16))
            THEN block := nextval('postlude.block') << 16; END IF;
            SELECT a.added, (a.line).id::uuid AS other INTO result
            FROM postlude.append(
                NULL, at, false, block, 'transaction ' || (block >> 16), '', ARRAY[id], ARRAY[name],
                ARRAY[convert_to(payload::text, 'UTF8')], ARRAY[rank::bigint],
                ARRAY[floor(extract(epoch FROM begins) * 1000)::bigint],
                ARRAY[floor(extract(epoch FROM expires) * 1000)::bigint], ARRAY[unique_key], ARRAY[scope = 'stored'],
                ARRAY[queue], ARRAY[false], ARRAY[coalesce(stops, false)], ARRAY[NULL::bigint], ARRAY[limit_key]) a;
            IF NOT result.added THEN RETURN result.other; END IF;
            PERFORM set_config('postlude.block', (block + 1)::text, true);
            IF queue IS NOT NULL THEN NOTIFY postlude; END IF;
            RETURN id;
        END $$;
        COMMENT ON FUNCTION postlude.enqueue IS
            'Enqueues a durable task, and returns its id. The task is there when the transaction commits.';

        """
}
