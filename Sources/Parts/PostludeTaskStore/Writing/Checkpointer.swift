internal import GRDB
internal import GRDBSQLite
internal import Glibc
internal import PostludeSystem
internal import Synchronization

/// Moves the WAL's pages into the file, while this process holds the writer's lock.
///
/// SQLite 3.7.0 to 3.51.2 loses commits where a commit begins the WAL anew while another connection begins a checkpoint
/// (<https://sqlite.org/wal.html>, "The WAL-Reset Bug"). A commit needs the writer's lock, so under it a checkpoint has no
/// such neighbour. That holds if every connection to the file keeps to it: SQLite's own checkpoints are off on all of them.
final class Checkpointer: Sendable {
    /// After how many pages SQLite would checkpoint, too.
    private static let threshold = 1_000
    /// After how many more where not all could be moved.
    private static let retryThreshold = 100
    /// From how many pages on readers are waited for longer: as many as the WAL keeps on the disk.
    private static let large = 16_000
    private static let betweenWarnings = Duration.seconds(600)

    /// A checkpoint runs on a connection other than the one that holds the lock.
    private let connection: DatabaseQueue
    private let path: String
    private let warn: @Sendable (String) -> Void
    /// Pages in the WAL after this process's last commit.
    private let pages = Atomic<Int>(0)
    private let state = Lock(State())

    private struct State {
        /// Pages in the WAL at the last attempt, and from how many on the next one is due.
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
            // It comes with each commit, and lives as long as the task store, whose connection calls it.
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

    /// Whether the WAL has grown enough since the last attempt.
    var isDue: Bool {
        let pages = pages.load(ordering: .relaxed)
        return state.withLock { state in
            // Another process may have checkpointed, and the WAL has begun anew.
            if pages < state.attempted { (state.attempted, state.due) = (0, Self.threshold) }
            return pages >= state.due
        }
    }

    /// Checkpoints. The caller has begun a transaction on the writer's connection, and ends it after this.
    func run() {
        let pages = pages.load(ordering: .relaxed)
        do {
            let isWhole = try moveAll() || waitAndMove(for: .milliseconds(pages < Self.large ? 20 : 200))
            nextIsDue(behind: pages, after: isWhole ? Self.threshold : Self.retryThreshold)
            if !isWhole, pages >= Self.large {
                say(
                    """
                    the task store's WAL has \(pages) pages, because another program has been reading the file for a long time; find it: \
                    fuser -v \(path)
                    """)
            }
        } catch {
            nextIsDue(behind: pages, after: Self.threshold)
            say("the task store's WAL could not be checkpointed: \(TaskStoreError(path, error))")
        }
    }

    private func nextIsDue(behind pages: Int, after more: Int) {
        state.withLock { ($0.attempted, $0.due) = (pages, pages + more) }
    }

    func close() { try? connection.close() }

    /// - Returns: whether nothing of the WAL is left that is not in the file.
    private func moveAll() throws -> Bool {
        do {
            let (all, moved) = try connection.writeWithoutTransaction { try $0.checkpoint(.passive) }
            return moved >= all
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            // Another program checkpoints.
            return false
        }
    }

    /// Readers that began before the last commits keep what they see in the WAL. While none commits they end, and those
    /// that begin after the last page's move do not use the WAL: the next commit begins it anew.
    ///
    /// - Parameter time: at most a tenth of all time, so that a reader that stays does not hold up those that write.
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

    private func say(_ text: String) {
        let now = MonotonicTime.now
        let isTime = state.withLock { state in
            guard state.nextWarning <= now else { return false }
            state.nextWarning = now + Self.betweenWarnings
            return true
        }
        if isTime { warn(text) }
    }
}
