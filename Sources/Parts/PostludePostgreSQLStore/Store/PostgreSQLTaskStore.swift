internal import FoundationEssentials
internal import PostludeSystem
package import PostludeTaskStore

/// The task store of durable tasks in a PostgreSQL database, which processes on several machines have open.
///
/// Concurrent writes share a transaction and a round trip. A process owns records: it alone runs them, until they are over, or
/// until it closes the task store, dies, or is cut off from the server. A process that was cut off can change nothing any more
/// of what it owned. Call ``close()`` at the end, because the store's threads keep its sessions open until then.
package final class PostgreSQLTaskStore: RecordStore {
    package let place: String
    package var owner: Int64? { life?.number }

    let address: PostgreSQLAddress
    /// The id of the store, which no other database has.
    let id: String
    let settings: TaskStoreSettings
    let pool: SessionPool
    /// The application's own access to the database; nil if it has none.
    let application: ApplicationAccess?
    let writer: WriteQueue
    /// The life of this process as an owner; nil for a visitor.
    let life: OwnerLife?
    /// The list of the records that this process runs.
    private let running: RunningFiles?
    let keys: KeyLocks
    /// The shapes of the records that this process appends.
    let shapes = ShapeNumbers()
    /// The shapes whose records this process leaves to others.
    private let left = Lock<Set<Int64>>([])
    /// The limits that this process applies when it claims records.
    let limits = KnownLimits()
    /// The records of this process.
    let held = Lock(HeldRecords())
    /// The time at the last claim; nil before the first one.
    private let lastClaim = Lock<Int64?>(nil)

    /// Opens a task store. Migrates its tables if they are of an earlier version, or missing and the role is `process`.
    ///
    /// - Parameter application: gives the application its own access to the database; nil if it has none.
    package init(
        address text: String, role: TaskStoreRole = .process,
        settings: TaskStoreSettings = TaskStoreSettings(), application: ApplicationAccess? = nil
    ) throws(TaskStoreError) {
        let address = try PostgreSQLAddress(text)
        self.address = address
        self.application = application
        place = address.place
        self.settings = settings
        do {
            pool = SessionPool(address, timeout: settings.lockTimeout)
            keys = KeyLocks(pool, at: address.place)
            // Not retried: the caller decides whether to wait for a server that cannot be reached.
            let session = try pool.take()
            let migration = StoreMigration(session, place: address.place)
            try migration.prepare(role: role, until: .now + settings.lockTimeout)
            id = try session.run("SELECT id::text FROM postlude.store").text(0, 0)
            pool.give(session)
            guard role == .process else {
                (life, running) = (nil, nil)
                writer = try WriteQueue(address, life: nil, settings: settings)
                return
            }
            let running = RunningFiles(store: id, settings: settings, place: address.place)
            self.running = running
            let life = try OwnerLife(address, settings: settings) { old, new in running.replace(old, by: new)
            }
            self.life = life
            do {
                try running.open(owner: life.number)
                writer = try WriteQueue(address, life: life, settings: settings)
            } catch {
                life.leave()
                throw error
            }
        } catch {
            throw TaskStoreError(address.place, error)
        }
    }

    package func close() throws(TaskStoreError) {
        defer {
            life?.leave()
            keys.close()
            application?.close()
            pool.close()
        }
        stop()
        let now = now
        // From now on the beginnings are written by themselves, so that the records that run stay this owner's.
        held.withLock { held in for each in held.beginnings.values { _ = each.take() } }
        let leaving = life.map { _ in
            PendingWrite<Bool>(
                { context in
                    // The records were due when they were claimed; the clock may have been set back since.
                    [
                        Statement(Self.noteLimited, [.integer(context.owner)]),
                        Statement(Self.free, [.integer(context.owner), .integer(now)]),
                        Statement(Self.leave, [.integer(context.owner)]),
                        Statement(Self.die, [.integer(context.owner)]),
                    ]
                }, { rows throws(PostgreSQLError) in rows.count > 2 && rows[2].changes == 1 })
        }
        writer.close(with: leaving)
        do {
            if let life, let leaving {
                let isGone = try leaving.result?.get() ?? runAlone(leaving)
                if isGone { running?.remove(owner: life.number) }
            }
            if let failure = writer.failure { throw failure }
        } catch {
            throw TaskStoreError(place, error)
        }
    }

    private static let noteLimited = """
        INSERT INTO postlude.limit_event (name, key) SELECT DISTINCT name, limit_key FROM postlude.record
        WHERE owner = $1 AND limit_key IS NOT NULL
        """
    private static let free = """
        WITH freed AS (
            UPDATE postlude.record SET owner = NULL, due = least(due, $2) WHERE owner = $1 AND state = 0 RETURNING 1
        )
        SELECT pg_notify('postlude', '')::text FROM freed LIMIT 1
        """
    private static let leave = """
        DELETE FROM postlude.owner WHERE number = $1
            AND NOT EXISTS (SELECT FROM postlude.record WHERE record.owner = owner.number)
        """

    /// A record that runs until the process ends keeps its owner, which is dead from now on.
    private static let die = "UPDATE postlude.owner SET is_dead = true WHERE number = $1"

    /// Ends the sessions as the death of this process would: nothing is written. Tests call it to simulate that.
    package func abandon() {
        // For others, the process has another start than this one.
        let number = owner
        do {
            if let number {
                try pool.with { session, _ in
                    _ = try session.run(
                        "UPDATE postlude.owner SET process_start = 0 WHERE number = $1", [.integer(number)])
                }
            }
        } catch {
            settings.report(TaskStoreError(place, error))
        }
        writer.abandon()
        life?.leave()
        keys.close()
        application?.close()
        pool.close()
    }

    package func flush() throws(TaskStoreError) {
        do {
            try writer.flush()
        } catch {
            throw TaskStoreError(place, error)
        }
    }

    /// The number of transactions that this process has committed for groups of writes.
    package var transactions: Int { writer.transactions }

    // MARK: For the extensions

    var now: Int64 { settings.now().milliseconds }

    package func leave(_ shapes: Set<Int64>) { left.withLock { $0 = shapes } }

    var leftShapes: Set<Int64> { left.withLock { $0 } }

    /// Runs a write in a transaction that all waiting writes share, and waits until it is committed.
    ///
    /// - Parameter followsClaim: whether it waits for a moment while this process claims records with limits.
    func write<Value: Sendable>(
        _ write: PendingWrite<Value>, afterClaim followsClaim: Bool = false
    ) throws(TaskStoreError) -> Value {
        writer.perform(write, afterClaim: followsClaim)
        do {
            return try write.result?.get() ?? runAlone(write)
        } catch {
            throw TaskStoreError(place, error)
        }
    }

    /// Runs a write in a transaction of its own, on the caller's thread, because a group could not commit it.
    private func runAlone<Value: Sendable>(_ write: PendingWrite<Value>) throws -> Value {
        try pool.with { session, deadline in
            let context = try context
            return try session.transaction(
                until: deadline, commitFails: { _ in write.noteRepetition() }
            ) { session in
                try fence(context, in: session)
                var rows: [Rows] = []
                for statement in write.statements(context) { rows.append(try session.run(statement)) }
                try write.read(rows)
                guard case .success(let value)? = write.result else { throw PostgreSQLError.aborted }
                return value
            }
        }
    }

    /// Runs statements in the next transaction, without waiting for it.
    func writeLater(_ statements: @escaping @Sendable (WriteContext) -> [Statement]) {
        writer.note(statements)
    }

    /// Runs statements in a transaction of their own, after all earlier notes.
    ///
    /// - Parameter body: may be called again, even if it was committed, after the connection was lost.
    func change<Value>(
        _ body: (Session, WriteContext) throws -> Value
    ) throws(TaskStoreError) -> Value {
        do {
            if writer.hasNotes { try writer.flush() }
            return try pool.with { session, deadline in
                let context = try context
                return try session.transaction(until: deadline) { session in
                    try fence(context, in: session)
                    return try body(session, context)
                }
            }
        } catch {
            throw TaskStoreError(place, error)
        }
    }

    /// Reads without waiting for writers, and without making them wait.
    func read<Value>(_ body: (Session) throws -> Value) throws(TaskStoreError) -> Value {
        do {
            return try pool.with { session, _ in try body(session) }
        } catch {
            throw TaskStoreError(place, error)
        }
    }

    /// This process as the owner that it is now.
    var context: WriteContext {
        get throws {
            guard let context = WriteContext(of: life) else {
                throw PostgreSQLError.connection("not an owner yet")
            }
            return context
        }
    }

    private func fence(_ context: WriteContext, in session: Session) throws(PostgreSQLError) {
        guard let owner = context.owner else { return }
        do throws(PostgreSQLError) {
            try session.run("SELECT postlude.fence($1)::text", [.integer(owner)])
        } catch {
            if error.state == PostgreSQLError.declaredDead { life?.noteLoss(of: owner) }
            throw error
        }
    }

    /// Changes the list of the records that this process runs. A visitor has none.
    func updateRunning(_ body: (RunningRecords) throws(SystemError) -> Void) { running?.update(body) }

    /// Reads what a process of this machine has noted about the records that it ran.
    func crashReport(of owner: Int64) -> RunningRecords.CrashReport {
        running?.crashReport(of: owner) ?? RunningRecords.CrashReport()
    }

    func removeRunning(of owner: Int64) { running?.remove(owner: owner) }

    /// Notes the time of a claim, and returns whether the clock shows an earlier time than at the last one. The first claim
    /// counts as such.
    func noteClaim(at now: Int64) -> Bool {
        lastClaim.withLock { last in
            defer { last = now }
            return last.map { now < $0 } ?? true
        }
    }

    func refusal(_ reason: String, advice: String? = nil) -> TaskStoreError {
        TaskStoreError(.refused, place, reason, advice: advice)
    }
}

/// The records of this process, as far as it knows.
struct HeldRecords {
    /// The records that it has appended or claimed, and that are not over.
    var ids: Set<RecordID> = []
    /// The attempts that have begun and not ended.
    var beginnings: [RecordID: Beginning] = [:]
    /// The records that were taken over before: the beginnings of their attempts are written at once.
    var takenOver: Set<RecordID> = []
    /// The records with a limit that it is appending, and may own at once.
    var appending: Set<RecordID> = []
    /// Whether the result of a claim is unknown: this process may own records that are not here.
    private(set) var isIncomplete = false
    /// How often that has been noted.
    private(set) var incompletenesses = 0

    mutating func noteIncompleteness() {
        isIncomplete = true
        incompletenesses += 1
    }

    /// Notes that the records are known which this process owned when `count` was the number of ``incompletenesses``.
    mutating func noteCompleteness(since count: Int) {
        if count == incompletenesses { isIncomplete = false }
    }

    mutating func remove(_ id: RecordID) {
        ids.remove(id)
        takenOver.remove(id)
    }
}
