internal import Glibc
internal import PostludeSystem
internal import PostludeTaskStore
internal import PostludeThreads

/// The life of this process as an owner: a session that holds its lock, and a thread that keeps it.
///
/// The thread connects again if the connection is lost, listens for new records, and notices the deaths of others. If this
/// process was cut off for so long that it has been declared dead, it becomes a new owner.
final class OwnerLife: Sendable {
    private static let interval = Duration.milliseconds(400)
    private static let retryDelay = Duration.milliseconds(100)

    private struct State {
        var number: Int64
        /// The number of times that this process has become a new owner.
        var generation = 0
        /// Whether the owner is known to have been declared dead, and there is no new one yet.
        var isLost = false
        var free = FreeLocks()
    }

    private let address: PostgreSQLAddress
    private let settings: TaskStoreSettings
    private let limits: Session.Limits
    private let thread: LoopThread
    private let state: Lock<State>

    /// Registers a new owner, and starts the thread.
    ///
    /// - Parameter replaced: called after this process has become a new owner, with the old number and the new one.
    init(
        _ address: PostgreSQLAddress, settings: TaskStoreSettings,
        replaced: @escaping @Sendable (Int64, Int64) -> Void
    ) throws {
        self.address = address
        self.settings = settings
        limits = Session.Limits(lockTimeout: settings.lockTimeout, answerTimeout: .seconds(3))
        thread = try LoopThread(name: "task store life")
        let session = try Session(address, limits)
        let number = try Self.register(in: session, at: settings.now().milliseconds)
        var first = State(number: number)
        first.free.connected = .now
        state = Lock(first)
        try Self.listen(session)
        // The thread takes the session over.
        let handed = Handed(session)
        try thread.start { [self] in run(handed.take(), replaced: replaced) }
    }

    /// A session on its way to the thread.
    private final class Handed: Sendable {
        private let session: Lock<Session?>
        init(_ session: Session) { self.session = Lock(session) }
        func take() -> Session? {
            session.withLock { session in
                defer { session = nil }
                return session
            }
        }
    }

    /// The number of this process as an owner, and how often it has changed; nil if it has been declared dead and there is no
    /// new one yet.
    var current: (number: Int64, generation: Int)? {
        state.withLock { $0.isLost ? nil : ($0.number, $0.generation) }
    }

    var number: Int64 { state.withLock { $0.number } }
    var generation: Int { state.withLock { $0.generation } }
    /// Whether this process has always been the same owner.
    var isFirst: Bool { generation == 0 }

    /// Whether locks of other owners are free.
    var seesFreeLocks: Bool { state.withLock { !$0.free.isEmpty } }

    /// Returns those of the other owners that are dead.
    func dead(among owners: [OwnerRow]) -> [OwnerRow] {
        let now = MonotonicTime.now
        let free = state.withLock { state in
            state.free.note(owners, at: now)
            return state.free
        }
        return owners.filter { free.isDead($0, at: now) }
    }

    /// Notes that an owner of this process has been declared dead: a new one is registered soon.
    func noteLoss(of number: Int64) {
        state.withLock { if $0.number == number { $0.isLost = true } }
        thread.wake()
    }

    /// Ends the session. For all other processes the owner is dead from now on, unless its row has been removed.
    func leave() { thread.stop() }

    // MARK: The thread

    private func run(_ first: Session?, replaced: (Int64, Int64) -> Void) {
        var session = first
        var nextCheck = MonotonicTime.now
        var isReported = false
        while !thread.isStopping {
            do {
                if session == nil {
                    let new = try Session(address, limits)
                    try resume(in: new, replaced: replaced)
                    session = new
                    isReported = false
                    settings.arrived()
                }
                guard let session else { continue }
                if state.withLock({ $0.isLost }) { try resume(in: session, replaced: replaced) }
                if .now >= nextCheck {
                    nextCheck = .now + Self.interval
                    try look(in: session)
                }
                waitForInput(
                    [session.descriptor, thread.wakeup.descriptor],
                    milliseconds: Int32(clamping: max(1, Int64((nextCheck - .now) / .milliseconds(1)) + 1)))
                thread.wakeup.take()
                if try !session.notifications().isEmpty { settings.arrived() }
            } catch {
                session = nil
                state.withLock { $0.free.forget() }
                if !isReported, !thread.isStopping { settings.report(TaskStoreError(address.place, error)) }
                isReported = true
                thread.wait(atMost: Self.retryDelay)
            }
        }
        // The lock is free when this returns, not only when the server has noticed the end of the connection.
        _ = try? session?.run("SELECT pg_advisory_unlock_all()")
    }

    /// Looks for owners whose locks are free. The query also shows that the connection works.
    private func look(in session: Session) throws(PostgreSQLError) {
        let others = try OwnerRow.all(try session.run(OwnerRow.othersWithLocks, [.integer(number)]))
        if !dead(among: others).isEmpty { settings.arrived() }
    }

    /// Takes the lock again, or registers a new owner if this one has been declared dead.
    private func resume(in session: Session, replaced: (Int64, Int64) -> Void) throws(PostgreSQLError) {
        let old = number
        try session.run(Self.take, [.integer(old)])
        let isAlive = try session.number(
            "SELECT count(*) FROM postlude.owner WHERE number = $1 AND NOT is_dead", [.integer(old)])
        if isAlive != 1 {
            try session.run("SELECT pg_advisory_unlock_all()")
            let new = try Self.register(in: session, at: settings.now().milliseconds)
            // Its records were taken over because it was cut off, and not because of one of them.
            try session.run(Self.forgive, [.integer(old)])
            try session.run("DELETE FROM postlude.suspect WHERE deaths <= 0")
            state.withLock { state in
                state.number = new
                state.generation += 1
                state.isLost = false
            }
            replaced(old, new)
        }
        state.withLock { $0.free.connected = .now }
        try Self.listen(session)
    }

    private static let forgive = "UPDATE postlude.suspect SET deaths = deaths - 1, owner = 0 WHERE owner = $1"
    private static let take =
        "SELECT pg_advisory_lock_shared(\(StoreSchema.LockClass.owner), $1::bigint::integer)"

    /// Registers a new owner. Its lock is held before other processes can see its number.
    private static func register(in session: Session, at now: Int64) throws(PostgreSQLError) -> Int64 {
        let process = ProcessIdentity.own
        try session.run("BEGIN")
        let number = try session.run(
            """
            INSERT INTO postlude.owner (pid, process_start, host, machine, started) VALUES ($1, $2, $3, $4, $5)
            RETURNING number
            """,
            [
                .integer(process.pid), .integer(process.start), .text(ProcessIdentity.host),
                .text(ProcessIdentity.machine), .integer(now),
            ]
        ).integer(0, 0)
        try session.run(take, [.integer(number)])
        try session.run("COMMIT")
        return number
    }

    private static func listen(_ session: Session) throws(PostgreSQLError) {
        try session.script("LISTEN postlude")
    }
}
