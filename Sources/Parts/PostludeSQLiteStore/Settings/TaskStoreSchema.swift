internal import GRDB

/// The tables, with the migrations from all earlier versions.
enum TaskStoreSchema {
    /// "PsJl" in ASCII. It distinguishes a task store from databases of other programs.
    static let applicationID: Int64 = 0x5073_4a6c

    typealias Migration = (name: String, sql: TaskStoreSQL)

    /// In their order. A released migration is never changed, only followed by another one.
    static let migrations: [Migration] = [
        ("records", records), ("order", order), ("suspects", suspects),
        ("listing", "DROP INDEX ~record_state"), ("answers", answers),
        ("control", control), ("shapes", shapes), ("steps", steps), ("limits", limits),
        ("positions", positions), ("failures", failures),
    ]

    /// The name of the migration that makes the tables.
    static var first: String { migrations.first?.name ?? "" }

    /// Returns the migrations that a database with others does not have, in their order.
    static func missing(after applied: some Sequence<String>) -> [Migration] {
        let applied = Set(applied)
        return migrations.filter { !applied.contains($0.name) }
    }

    /// Returns migrations as text that a person, or SQLite's shell, can read.
    static func text(of migrations: [Migration], _ names: TableNames) -> String {
        migrations.map { "-- Migration: \($0.name)\n\($0.sql.text(names));\n" }.joined(separator: "\n")
    }

    /// The migrations of a task store's own file.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        for migration in migrations {
            migrator.registerMigration(migration.name) { database in
                try database.execute(sql: migration.sql.text(.plain))
            }
        }
        return migrator
    }

    /// Times are milliseconds since 1970. `head` is the number of the request's first record; the records of a request have
    /// consecutive numbers. Columns that may be long are last, so that reading the others needs no overflow pages.
    ///
    /// Each index costs a durable task a page or two in the WAL. `record_state` is gone since `listing`: lists by state read
    /// `record_name` once for each name instead, of which there are few.
    ///
    /// Conditions list no more than two values with IN: for three, SQLite makes a temporary table each time.
    ///
    /// The number of an owner is never reused (AUTOINCREMENT), so that a dead owner stays dead.
    private static let records: TaskStoreSQL = """
        CREATE TABLE ~owner (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            pid INTEGER NOT NULL,
            started INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE ~queue (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE,
            due INTEGER NOT NULL DEFAULT 0
        ) STRICT;

        CREATE TABLE ~record (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            head INTEGER NOT NULL,
            request TEXT NOT NULL,
            route TEXT NOT NULL,
            position INTEGER NOT NULL,
            name TEXT NOT NULL,
            priority INTEGER NOT NULL,
            state INTEGER NOT NULL,
            added INTEGER NOT NULL,
            due INTEGER NOT NULL,
            expires INTEGER,
            unique_key TEXT,
            owner INTEGER REFERENCES ~owner,
            attempts INTEGER NOT NULL DEFAULT 0,
            started INTEGER,
            ended INTEGER,
            queue INTEGER REFERENCES ~queue,
            error TEXT,
            result TEXT,
            payload TEXT NOT NULL
        ) STRICT;

        CREATE INDEX ~record_ready ON ~record (priority, due) WHERE state = 0 AND owner IS NULL;
        CREATE INDEX ~record_owned ON ~record (owner) WHERE owner IS NOT NULL;
        CREATE UNIQUE INDEX ~record_key ON ~record (name, unique_key)
            WHERE unique_key IS NOT NULL AND (state < 2 OR state = 6);
        CREATE INDEX ~record_newest_key ON ~record (name, unique_key, number) WHERE unique_key IS NOT NULL;
        CREATE INDEX ~record_expiry ON ~record (expires) WHERE expires IS NOT NULL AND state = 0 AND owner IS NULL;
        CREATE INDEX ~record_outgoing ON ~record (queue) WHERE state = 6;
        CREATE INDEX ~record_over ON ~record (state, ended) WHERE ended IS NOT NULL;
        CREATE INDEX ~record_state ON ~record (state, priority);
        CREATE INDEX ~record_name ON ~record (name, state, priority);

        CREATE TABLE ~firing (
            schedule TEXT NOT NULL,
            time INTEGER NOT NULL,
            PRIMARY KEY (schedule, time)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX ~firing_time ON ~firing (time);
        """

    /// `stops`: whether the later records of the request run only if this one succeeds. `stopped_by`: the id of the record
    /// that has kept this one from running. `once`: whether the key is unique for as long as the record is kept.
    private static let order: TaskStoreSQL = """
        ALTER TABLE ~record ADD COLUMN stops INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE ~record ADD COLUMN stopped_by TEXT;
        ALTER TABLE ~record ADD COLUMN once INTEGER NOT NULL DEFAULT 0;
        CREATE INDEX ~record_stops ON ~record (head, number) WHERE stops = 1 AND state IN (0, 1);
        CREATE INDEX ~record_stopped ON ~record (stopped_by) WHERE stopped_by IS NOT NULL;
        CREATE INDEX ~record_once ON ~record (head) WHERE once = 1;
        """

    /// The records whose process has died while it ran them, and how often. They are few, so that they have a table of their
    /// own instead of a column in every record.
    private static let suspects: TaskStoreSQL = """
        CREATE TABLE ~suspect (
            record INTEGER PRIMARY KEY REFERENCES ~record ON DELETE CASCADE,
            deaths INTEGER NOT NULL
        ) STRICT;
        """

    /// The answers to requests with an idempotency key. `key` is the digest of the key, `head` is JSON, and `tasks` are the ids of
    /// the request's records. `answers` has one row, with the sum of `bytes`: a sum over the table would read all of it.
    private static let answers: TaskStoreSQL = """
        CREATE TABLE ~answer (
            number INTEGER PRIMARY KEY,
            key BLOB NOT NULL UNIQUE,
            route TEXT NOT NULL,
            expires INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            fingerprint BLOB NOT NULL,
            status INTEGER NOT NULL,
            tasks TEXT NOT NULL,
            head TEXT NOT NULL,
            body BLOB NOT NULL
        ) STRICT;
        CREATE INDEX ~answer_expires ON ~answer (expires);

        CREATE TABLE ~answers (bytes INTEGER NOT NULL) STRICT;
        INSERT INTO ~answers (bytes) VALUES (0);
        """

    /// The shapes of payloads, of which a record has the number. `unreadable`: when a process could first not read one.
    ///
    /// The column has no foreign key: it would be looked up at each insertion, and no shape is ever removed.
    private static let shapes: TaskStoreSQL = """
        CREATE TABLE ~shape (
            number INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            version INTEGER NOT NULL,
            structure TEXT NOT NULL,
            unreadable INTEGER,
            UNIQUE (name, version, structure)
        ) STRICT;
        ALTER TABLE ~record ADD COLUMN shape INTEGER;
        """

    /// The pauses, the cancellations of records that processes have, and the record of actions. The tables `pause` and `cancellation`
    /// are empty nearly always. `control` has one row, whose stamp increases with each change of them. `what` is the number of the
    /// pause's kind (`PauseTarget`); a pause that is over stays until all records are due again that it has set aside.
    private static let control: TaskStoreSQL = """
        CREATE TABLE ~control (stamp INTEGER NOT NULL) STRICT;
        INSERT INTO ~control (stamp) VALUES (0);

        CREATE TABLE ~pause (
            what INTEGER NOT NULL,
            name TEXT NOT NULL,
            value TEXT NOT NULL,
            time INTEGER NOT NULL,
            who TEXT NOT NULL,
            is_over INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (what, name, value)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE ~cancellation (
            record INTEGER PRIMARY KEY,
            reason TEXT NOT NULL
        ) STRICT;

        CREATE TABLE ~action (
            number INTEGER PRIMARY KEY,
            time INTEGER NOT NULL,
            who TEXT NOT NULL,
            action TEXT NOT NULL,
            target TEXT NOT NULL,
            result TEXT NOT NULL
        ) STRICT;
        """

    /// What few records have: the results of their steps, in the order of `position`; how often the end of their process has
    /// interrupted them; and the progress that they have reported.
    private static let steps: TaskStoreSQL = """
        CREATE TABLE ~step (
            record INTEGER NOT NULL REFERENCES ~record ON DELETE CASCADE,
            name TEXT NOT NULL,
            position INTEGER NOT NULL,
            value BLOB NOT NULL,
            PRIMARY KEY (record, name)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE ~progress (
            record INTEGER PRIMARY KEY REFERENCES ~record ON DELETE CASCADE,
            interruptions INTEGER NOT NULL DEFAULT 0,
            progress TEXT
        ) STRICT;
        """

    /// `limit_key`: the key of the records that share a limit; a record that has one is not in `record_ready`. `unique_until`: the time
    /// until which the record is kept because of its unique key.
    ///
    /// `limit_name` has the names with a limit, with the member of the payload that is the key, and the time of the last claim. `limit_key`
    /// has the keys with records that are not over, and when each is to be examined next. `limit_begin` has how many records of a key
    /// have begun at a time.
    private static let limits: TaskStoreSQL = """
        ALTER TABLE ~record ADD COLUMN limit_key TEXT;
        ALTER TABLE ~record ADD COLUMN unique_until INTEGER;
        DROP INDEX ~record_ready;
        CREATE INDEX ~record_ready ON ~record (priority, due) WHERE state = 0 AND owner IS NULL AND limit_key IS NULL;
        CREATE INDEX ~record_limited ON ~record (name, limit_key, priority, due)
            WHERE limit_key IS NOT NULL AND state = 0 AND owner IS NULL;
        CREATE INDEX ~record_limited_open ON ~record (name, limit_key, owner) WHERE limit_key IS NOT NULL AND state < 2;

        CREATE TABLE ~limit_name (
            name TEXT NOT NULL PRIMARY KEY,
            member TEXT,
            clock INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE ~limit_key (
            name TEXT NOT NULL,
            key TEXT NOT NULL,
            due INTEGER NOT NULL,
            PRIMARY KEY (name, key)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX ~limit_key_due ON ~limit_key (name, due);
        CREATE TABLE ~limit_begin (
            name TEXT NOT NULL,
            key TEXT NOT NULL,
            time INTEGER NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (name, key, time)
        ) STRICT, WITHOUT ROWID;
        """
}

/// The brokers' queues of records, by number. The number also determines the lock of a queue's publisher.
enum QueueTable {
    static let numberOf: TaskStoreSQL = "SELECT number FROM ~queue WHERE name = ?"
    private static let insertion: TaskStoreSQL = "INSERT INTO ~queue (name) VALUES (?)"

    /// - Returns: the queue's number. A new queue is inserted.
    static func number(of name: String, in database: StoreDatabase) throws -> Int64 {
        if let number = try database.number(numberOf, [name]) { return number }
        try database.run(insertion, [name])
        return database.lastInsertedRowID
    }
}
