internal import GRDB
internal import GRDBSQLite
internal import PostludeSystem
internal import PostludeTaskStore

/// The application's database, which a task store is in: its writer, and connections for the transactions of handlers and tasks.
///
/// A handler's transaction lasts until the server has its response, and GRDB's writers end theirs with the closure that they call.
/// So each of these transactions has a connection of its own, with the application's configuration. It also leaves the
/// application's writer free meanwhile: a call of it within the handler waits for the lock, and does not trap.
final class ApplicationDatabase: Sendable {
    let turns: WriteTurns
    private let writer: any DatabaseWriter
    private let path: String
    private let role: TaskStoreRole
    private let checkpointer: Checkpointer
    private let configuration: Configuration
    private let state = Lock(State())

    private struct State {
        var idle: [TransactionConnection] = []
        var isClosed = false
    }

    /// Prepares the application's writer: its commits are on the disk, and it makes no checkpoints (`Checkpointer`).
    init(
        _ writer: any DatabaseWriter, at path: String, role: TaskStoreRole, turns: WriteTurns,
        checkpointer: Checkpointer, settings: TaskStoreSettings
    ) throws {
        self.writer = writer
        self.path = path
        self.role = role
        self.turns = turns
        self.checkpointer = checkpointer
        var configuration = writer.configuration
        // A transaction begins in one access to the connection, and is committed by another.
        configuration.allowsUnsafeTransactions = true
        configuration.readonly = false
        configuration.label = "transaction"
        self.configuration = configuration
        if role == .process {
            try writer.writeWithoutTransaction { database in
                try Self.prepare(database)
                checkpointer.watch(database)
            }
            if case .immediateError = writer.configuration.busyMode {
                settings.warn(
                    """
                    the application's database does not wait while another connection writes, as durable tasks do: set its \
                    configuration's busyMode, such as .timeout(5)
                    """)
            }
        }
    }

    /// Returns the canonical path of a database that can keep tasks.
    static func path(of writer: any DatabaseWriter) throws -> String {
        let (path, mode) = try writer.writeWithoutTransaction { database in
            (file(of: database), try String.fetchOne(database, sql: "PRAGMA journal_mode") ?? "")
        }
        guard !path.isEmpty else {
            throw TaskStoreError(
                .refused, writer.path, "a database in memory cannot keep durable tasks",
                advice: "open the application's database from a file")
        }
        guard mode == "wal" else {
            throw TaskStoreError(
                .refused, path,
                "the application's database has the journal mode \(mode), and durable tasks need WAL",
                advice: "open it by a DatabasePool, or set the configuration's journalMode to .wal")
        }
        return path
    }

    /// Returns the file of a connection; empty if it is in memory.
    static func file(of database: Database) -> String {
        sqlite3_db_filename(database.sqliteConnection, nil).map { String(cString: $0) } ?? ""
    }

    /// Makes a connection's commits durable. It has no transaction open.
    static func prepare(_ database: Database) throws {
        try database.execute(sql: "PRAGMA synchronous = FULL")
        guard try isDurable(database) else {
            throw DatabaseError(message: "SQLite does not sync each commit")
        }
    }

    /// Whether a commit of a connection is on the disk when it returns: `synchronous` is FULL or EXTRA.
    static func isDurable(_ database: Database) throws -> Bool {
        try database.number("PRAGMA synchronous") ?? 0 >= 2
    }

    /// Returns an idle connection, or opens one.
    func take(within timeout: Duration) throws -> TransactionConnection {
        let (idle, isClosed) = state.withLock { ($0.idle.popLast(), $0.isClosed) }
        guard !isClosed else { throw TaskStoreError(.closed, path, "the task store is closed") }
        let connection =
            try idle ?? TransactionConnection(at: path, configuration, watchedBy: checkpointer)
        connection.busyTimeout.set(end: .now + timeout)
        return connection
    }

    /// Takes a connection back that has no transaction open.
    func giveBack(_ connection: TransactionConnection) {
        let isKept = state.withLock { state in
            if !state.isClosed { state.idle.append(connection) }
            return !state.isClosed
        }
        if !isKept { connection.close(checkpointer) }
    }

    func close() {
        let idle = state.withLock { state in
            state.isClosed = true
            defer { state.idle = [] }
            return state.idle
        }
        for connection in idle { connection.close(checkpointer) }
        guard role == .process else { return }
        writer.writeWithoutTransaction { checkpointer.unwatch($0) }
    }
}

/// A connection for one transaction at a time.
final class TransactionConnection: Sendable {
    let queue: DatabaseQueue
    let busyTimeout: BusyTimeout

    init(at path: String, _ base: Configuration, watchedBy checkpointer: Checkpointer) throws {
        let busyTimeout = BusyTimeout(until: .now)
        var configuration = base
        configuration.busyMode = .callback { busyTimeout.wait(tries: $0) }
        self.busyTimeout = busyTimeout
        queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.writeWithoutTransaction { database in
            try ApplicationDatabase.prepare(database)
            checkpointer.watch(database)
        }
    }

    func close(_ checkpointer: Checkpointer) {
        queue.unsafeReentrantWrite { checkpointer.unwatch($0) }
        try? queue.close()
    }
}
