internal import FoundationEssentials
package import GRDB
internal import PostludeSystem
package import PostludeTaskStore

/// The task store of durable tasks: an SQLite file that several processes have open, or tables in the application's database.
///
/// Concurrent writes share a transaction and an fsync. A process owns records: it alone runs them, until they are over, or
/// until it closes the task store or dies. Call ``close()`` at the end, because the writer's thread keeps the file open until
/// then.
///
/// The file `<file>-owners` beside it must not be removed while a process has the task store open. A child of a process that
/// forks without an `exec` shares its parent's lock as an owner.
package final class SQLiteTaskStore: RecordStore {
    package let path: String
    package var place: String { path }
    /// The number of this process as an owner; nil for a visitor.
    package let owner: Int64?

    let settings: TaskStoreSettings
    let names: TableNames
    // Internal for the tests: the extensions use the functions below.
    let pool: DatabasePool
    /// A connection that reads single values. One of the pool begins a transaction for each read, which costs more than the read.
    private let lookups: DatabaseQueue
    let writer: WriteQueue
    /// The application's database; nil for a file of the task store's own.
    let application: ApplicationDatabase?
    /// The shapes of the records that this process appends.
    let shapes = ShapeNumbers()
    /// The shapes whose records this process leaves to others.
    private let left = Lock<Set<Int64>>([])
    /// The records that transactions of the application's connections have appended.
    let appended = OpenAppends()
    private let checkpointer: Checkpointer
    private let locks: OwnerLocks
    /// The list of the records that this process runs; nil for a visitor.
    private let running: RunningRecords?
    private let files: TaskStoreFiles
    private let registered: Owner?
    /// The attempts that have begun and not ended.
    let beginnings = Lock<[RecordID: Beginning]>([:])
    /// The limits that this process applies when it claims records.
    let limits = KnownLimits()
    /// The time at the last claim; nil before the first one.
    private let lastClaim = Lock<Int64?>(nil)

    /// Opens a task store, and migrates its tables if they are of an earlier version. Creates the file if the role is
    /// `process`.
    package convenience init(
        path: String, role: TaskStoreRole = .process, settings: TaskStoreSettings = TaskStoreSettings()
    ) throws(TaskStoreError) {
        do {
            self.init(try TaskStoreOpening(path: path, role: role, settings: settings))
        } catch {
            throw TaskStoreError(path, error)
        }
    }

    /// Opens the task store in the application's database, and makes or migrates its tables.
    package convenience init(
        in writer: any DatabaseWriter, role: TaskStoreRole = .process,
        settings: TaskStoreSettings = TaskStoreSettings()
    ) throws(TaskStoreError) {
        do {
            let path = try ApplicationDatabase.path(of: writer)
            self.init(try TaskStoreOpening(path: path, role: role, settings: settings, application: writer))
        } catch {
            throw TaskStoreError(writer.path, error)
        }
    }

    private init(_ opening: TaskStoreOpening) {
        path = opening.path
        settings = opening.settings
        names = opening.names
        application = opening.application
        pool = opening.pool
        lookups = opening.lookups
        locks = opening.locks
        writer = opening.writer
        checkpointer = opening.checkpointer
        files = opening.files
        registered = opening.owner
        owner = opening.owner?.number
        running = opening.running
    }

    package func close() throws(TaskStoreError) {
        defer { releaseLock() }
        do {
            stop()
            if let registered {
                let (now, number) = (now, registered.number)
                // From now on the beginnings are written by themselves, so that the records that run stay this owner's.
                beginnings.withLock { beginnings in for each in beginnings.values { _ = each.take() } }
                let names = names
                let isGone =
                    (try? writer.perform { connection in
                        try Self.leave(number, at: now, in: StoreDatabase(connection, names))
                    }) ?? false
                registered.endConfirming()
                if isGone { RunningRecords.remove(ofOwner: number, taskStore: path) }
            }
            writer.close()
            application?.close()
            // The last connection to be closed moves the WAL into the file and removes it, which the pool's read-only
            // connections cannot do.
            checkpointer.close()
            try lookups.close()
            pool.releaseMemory()
            do throws(TaskStoreError) {
                try files.check()
            } catch {
                pool.writeWithoutTransaction { TaskStoreFiles.keep(of: $0) }
            }
            try pool.close()
        } catch {
            throw TaskStoreError(path, error)
        }
    }

    /// Releases this process's lock as an owner, as its death would. Tests call it to simulate that.
    package func releaseLock() { registered?.leave() }

    package func flush() throws(TaskStoreError) {
        do {
            try writer.flush()
        } catch {
            throw TaskStoreError(path, error)
        }
    }

    /// The number of transactions that this process has committed.
    package var transactions: Int { writer.transactions }

    // MARK: For the extensions

    var now: Int64 { settings.now().milliseconds }

    package func leave(_ shapes: Set<Int64>) { left.withLock { $0 = shapes } }

    var leftShapes: Set<Int64> { left.withLock { $0 } }

    /// Runs statements in a transaction that all waiting writes share, and waits until they are on the disk.
    func write<Value>(
        _ body: @escaping @Sendable (StoreDatabase) throws -> Value
    ) throws(TaskStoreError) -> Value {
        do {
            return try writer.perform { [names] in try body(StoreDatabase($0, names)) }
        } catch {
            throw TaskStoreError(path, error)
        }
    }

    /// Runs statements in the next transaction, without waiting for it.
    func writeLater(_ body: @escaping @Sendable (StoreDatabase) throws -> Void) {
        writer.note { [names] in try body(StoreDatabase($0, names)) }
    }

    /// Reads without waiting for writers, and without making them wait.
    func read<Value>(_ body: (StoreDatabase) throws -> Value) throws(TaskStoreError) -> Value {
        do {
            return try pool.read { try body(StoreDatabase($0, names)) }
        } catch {
            throw TaskStoreError(path, error)
        }
    }

    /// Reads single values, each as it is at that moment.
    func lookUp<Value>(_ body: (StoreDatabase) throws -> Value) throws(TaskStoreError) -> Value {
        do {
            return try lookups.unsafeReentrantRead { try body(StoreDatabase($0, names)) }
        } catch {
            throw TaskStoreError(path, error)
        }
    }

    /// Whether an owner is alive.
    func isAlive(_ owner: Int64) throws -> Bool {
        if let registered { try registered.isAlive(owner) } else { try locks.isAlive(owner) }
    }

    /// Checks that the files are still at their paths, and restores this process's lock and row as an owner if they were removed.
    /// Called at the beginning of each transaction that adds records.
    func confirm(in database: StoreDatabase) throws {
        try files.check()
        try registered?.confirm(in: database)
    }

    /// Changes the list of the records that this process runs. A visitor has none.
    func updateRunning(_ body: (RunningRecords) throws(SystemError) -> Void) {
        guard let running else { return }
        do throws(SystemError) {
            try body(running)
        } catch {
            settings.report(TaskStoreError(path, system: error))
        }
    }

    /// Notes the time of a claim, and returns whether the clock shows an earlier time than at the last one. The first claim
    /// counts as such.
    func noteClaim(at now: Int64) -> Bool {
        lastClaim.withLock { last in
            defer { last = now }
            return last.map { now < $0 } ?? true
        }
    }

    /// Takes the right to publish a queue's records; nil if another publisher has it.
    func publisherLock(ofQueue number: Int64) throws(TaskStoreError) -> ByteLock? {
        do {
            return try locks.takePublisher(ofQueue: number)
        } catch {
            throw TaskStoreError(path, error)
        }
    }

    /// Takes the lock of a key; nil if another request has it.
    ///
    /// - Parameter number: a number of 62 bits.
    func keyLock(_ number: Int64) throws(TaskStoreError) -> ByteLock? {
        do {
            return try locks.takeKey(number)
        } catch {
            throw TaskStoreError(path, system: error)
        }
    }

    func refusal(_ reason: String, advice: String? = nil) -> TaskStoreError {
        TaskStoreError(.refused, path, reason, advice: advice)
    }

    /// Frees an owner's waiting records, and removes the owner if none of its records is running.
    ///
    /// - Returns: whether the owner was removed.
    private static func leave(_ owner: Int64, at now: Int64, in database: StoreDatabase) throws -> Bool {
        try database.run(LimitTables.addKeysOfOwner, [now, owner])
        // The records were due when they were claimed; the clock may have been set back since.
        try database.run(leaving, [now, owner])
        // A record that runs until the process ends keeps its owner, which is dead then.
        try database.run(removingOwner, [owner, owner])
        return database.changesCount == 1
    }

    private static let leaving: TaskStoreSQL =
        "UPDATE ~record SET owner = NULL, due = min(due, ?) WHERE owner = ? AND state = 0"
    private static let removingOwner: TaskStoreSQL =
        "DELETE FROM ~owner WHERE number = ? AND NOT EXISTS (SELECT 1 FROM ~record WHERE owner = ?)"
}
