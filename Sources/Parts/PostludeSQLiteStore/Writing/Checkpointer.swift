internal import GRDB
internal import GRDBSQLite
internal import Glibc
internal import PostludeSystem
internal import PostludeTaskStore
internal import Synchronization

/// The checkpoints of the WAL, made while this process holds SQLite's write lock.
///
/// SQLite 3.7.0 to 3.51.2 loses commits if a commit restarts the WAL while another connection begins a checkpoint
/// (<https://sqlite.org/wal.html>, "The WAL-Reset Bug"). A commit needs the write lock, so that none can run during a
/// checkpoint that holds it. Every connection to the file must follow this rule: SQLite's automatic checkpoints are off on all
/// of them.
final class Checkpointer: Sendable {
    /// The number of pages after which a checkpoint is due, as in SQLite's default.
    private static let threshold = 1_000
    /// The number of further pages after which an incomplete checkpoint is repeated.
    private static let retryThreshold = 100
    /// The number of pages at which a checkpoint begins to wait longer for readers: about the size to which the WAL is
    /// truncated.
    private static let large = 16_000
    private static let betweenWarnings = Duration.seconds(600)

    /// A checkpoint runs on a connection other than the one that holds the lock.
    private let connection: DatabaseQueue
    private let path: String
    private let warn: @Sendable (String) -> Void
    /// Pages in the WAL after this process's last commit.
    private let pages = Atomic<Int>(0)
    private let state = Lock(State())
    /// Called after a commit of the application's connections if a checkpoint is due: the write queue may have nothing to write.
    private let request = Lock<(@Sendable () -> Void)?>(nil)

    private struct State {
        /// The pages in the WAL at the last attempt, and the number at which the next one is due.
        var attempted = 0
        var due = threshold
        var nextWait = MonotonicTime.now
        var nextWarning = MonotonicTime.now
    }

    /// - Parameter writer: the connection that commits.
    init(
        _ connection: DatabaseQueue, writer: DatabasePool, path: String,
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.connection = connection
        self.path = path
        self.warn = warn
        writer.unsafeReentrantWrite { database in
            // SQLite calls the hook after each commit. The context lives as long as the task store, whose connection calls it.
            let context = Unmanaged.passUnretained(self).toOpaque()
            sqlite3_wal_hook(
                database.sqliteConnection,
                { context, _, _, pages in
                    guard let context else { return SQLITE_OK }
                    Unmanaged<Checkpointer>.fromOpaque(context).takeUnretainedValue()
                        .pages.store(Int(pages), ordering: .relaxed)
                    return SQLITE_OK
                }, context)
        }
    }

    /// Sets what is called if a checkpoint is due after a commit of a watched connection.
    func onDemand(_ request: @escaping @Sendable () -> Void) { self.request.withLock { $0 = request } }

    /// Counts the pages that a connection of the application commits, too, and turns its automatic checkpoints off.
    func watch(_ database: Database) {
        // The connection may outlive the task store: it keeps the context alive until `unwatch`.
        let context = Unmanaged.passRetained(self).toOpaque()
        sqlite3_wal_hook(
            database.sqliteConnection,
            { context, _, _, pages in
                guard let context else { return SQLITE_OK }
                let checkpointer = Unmanaged<Checkpointer>.fromOpaque(context).takeUnretainedValue()
                checkpointer.pages.store(Int(pages), ordering: .relaxed)
                if checkpointer.isDue, let request = checkpointer.request.withLock({ $0 }) { request() }
                return SQLITE_OK
            }, context)
    }

    /// Ends the watch, and turns automatic checkpoints on again.
    func unwatch(_ database: Database) {
        // Automatic checkpoints are a hook, too, which replaces this one.
        sqlite3_wal_autocheckpoint(database.sqliteConnection, CInt(Self.threshold))
        Unmanaged.passUnretained(self).release()
    }

    /// Whether the WAL has grown enough since the last attempt.
    var isDue: Bool {
        let pages = pages.load(ordering: .relaxed)
        return state.withLock { state in
            // Another process has made a checkpoint, and the WAL was restarted.
            if pages < state.attempted { (state.attempted, state.due) = (0, Self.threshold) }
            return pages >= state.due
        }
    }

    /// Makes a checkpoint. The caller has begun a transaction on the writer's connection, and ends it afterwards.
    func run() {
        let pages = pages.load(ordering: .relaxed)
        do {
            let isWhole = try moveAll() || waitAndMove(for: .milliseconds(pages < Self.large ? 20 : 200))
            nextIsDue(behind: pages, after: isWhole ? Self.threshold : Self.retryThreshold)
            if !isWhole, pages >= Self.large {
                warnIfDue(
                    """
                    the task store's WAL has \(pages) pages, because another program has been reading the file for a long time; find it: \
                    fuser -v \(path)
                    """)
            }
        } catch {
            nextIsDue(behind: pages, after: Self.threshold)
            warnIfDue("the task store's WAL could not be checkpointed: \(TaskStoreError(path, error))")
        }
    }

    private func nextIsDue(behind pages: Int, after more: Int) {
        state.withLock { ($0.attempted, $0.due) = (pages, pages + more) }
    }

    func close() { try? connection.close() }

    /// - Returns: whether all pages of the WAL are in the file.
    private func moveAll() throws -> Bool {
        do {
            let (all, moved) = try connection.writeWithoutTransaction { try $0.checkpoint(.passive) }
            return moved >= all
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            // Another program is making a checkpoint.
            return false
        }
    }

    /// Waits for readers until all pages can be moved. Readers that began before the last commits need pages in the WAL. They
    /// end while no process commits, and readers that begin after the last page was moved do not use the WAL, so that the next
    /// commit restarts it.
    ///
    /// - Parameter time: the longest wait. At most a tenth of all time is spent waiting, so that a permanent reader does
    ///   not block writers.
    /// - Returns: whether all pages of the WAL are in the file.
    private func waitAndMove(for time: Duration) throws -> Bool {
        let start = MonotonicTime.now
        guard state.withLock({ $0.nextWait <= start }) else { return false }
        defer { state.withLock { $0.nextWait = .now + time * 10 } }
        while try !moveAll() {
            guard .now < start + time else { return false }
            usleep(1_000)
        }
        usleep(5_000)
        return true
    }

    private func warnIfDue(_ text: String) {
        let now = MonotonicTime.now
        let isTime = state.withLock { state in
            guard state.nextWarning <= now else { return false }
            state.nextWarning = now + Self.betweenWarnings
            return true
        }
        if isTime { warn(text) }
    }
}
