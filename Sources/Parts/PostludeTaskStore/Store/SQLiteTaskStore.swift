internal import FoundationEssentials
internal import GRDB
internal import PostludeSystem

/// The durable tasks' task-store: an SQLite file that several processes have open.
///
/// What is written together shares a transaction and an fsync. A process is an owner of records: it alone runs them,
/// until it is done, leaves, or dies. It is to be closed at the end: its thread keeps it otherwise.
///
/// Beside the file stands `<file>-owners`, which must not be removed while a process has the task store open. A process
/// that forks without an `exec` leaves its child its place among the owners.
package final class SQLiteTaskStore: Sendable {
    package let path: String
    /// This process's number; nil for a visitor.
    package let owner: Int64?

    let settings: TaskStoreSettings
    let pool: DatabasePool
    let writer: WriteQueue
    private let checkpointer: Checkpointer
    let locks: OwnerLocks
    /// What this process runs; nil for a visitor.
    let running: RunningRecords?
    private let files: TaskStoreFiles
    private let registered: Owner?
    /// The time at the last claim; nil before the first one.
    let lastClaim = Lock<Int64?>(nil)

    /// Opens a task store; makes it and brings it up to date where the role says so.
    package convenience init(
        path: String, role: TaskStoreRole = .process, settings: TaskStoreSettings = TaskStoreSettings()
    ) throws(TaskStoreError) {
        do {
            self.init(try TaskStoreOpening(path: path, role: role, settings: settings))
        } catch {
            throw TaskStoreError(path, error)
        }
    }

    private init(_ opening: TaskStoreOpening) {
        path = opening.path
        settings = opening.settings
        pool = opening.pool
        locks = opening.locks
        writer = opening.writer
        checkpointer = opening.checkpointer
        files = opening.files
        registered = opening.owner
        owner = opening.owner?.number
        running = opening.running
    }

    /// Writes what is left, gives back what this process has not begun, and closes the file. What runs still is another
    /// process's from now on.
    package func close() throws(TaskStoreError) {
        defer { loseLock() }
        do {
            stop()
            if let registered {
                let (now, number) = (now, registered.number)
                let isGone = (try? writer.perform { try Self.leave(number, at: now, in: $0) }) ?? false
                registered.endConfirming()
                if isGone { RunningRecords.remove(ofOwner: number, taskStore: path) }
            }
            writer.close()
            // The last connection moves the WAL into the file and removes it, which readers may not.
            checkpointer.close()
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

    /// As the process's death would do it, for tests.
    func loseLock() { registered?.leave() }

    /// Waits until all that was noted before is on the disk.
    ///
    /// - Throws: where it could not be written. It is tried again until the task store is closed.
    package func flush() throws(TaskStoreError) {
        do {
            try writer.flush()
        } catch {
            throw TaskStoreError(path, error)
        }
    }

    /// How many transactions this process has committed.
    package var transactions: Int { writer.transactions }

    // MARK: For the extensions

    var now: Int64 { settings.now().milliseconds }

    /// Runs statements in a transaction, shared with all that wait, and waits until they are on the disk.
    func write<Value>(_ body: @escaping @Sendable (Database) throws -> Value) throws(TaskStoreError) -> Value
    {
        do {
            return try writer.perform(body)
        } catch {
            throw TaskStoreError(path, error)
        }
    }

    /// Reads without waiting for a writer, and without one waiting for it.
    func read<Value>(_ body: (Database) throws -> Value) throws(TaskStoreError) -> Value {
        do {
            return try pool.read(body)
        } catch {
            throw TaskStoreError(path, error)
        }
    }

    /// Whether an owner lives.
    func isAlive(_ owner: Int64) throws -> Bool {
        if let registered { try registered.isAlive(owner) } else { try locks.isAlive(owner) }
    }

    func refusal(_ reason: String, advice: String? = nil) -> TaskStoreError {
        TaskStoreError(.refused, path, reason, advice: advice)
    }

    /// - Returns: whether the owner is gone.
    private static func leave(_ owner: Int64, at now: Int64, in database: Database) throws -> Bool {
        // They were due; the clock may have been set back since.
        try database.run(
            "UPDATE record SET owner = NULL, due = min(due, ?) WHERE owner = ? AND state = 0", [now, owner])
        // What runs until the process ends keeps its owner, who will be dead.
        try database.run(
            "DELETE FROM owner WHERE number = ? AND NOT EXISTS (SELECT 1 FROM record WHERE owner = ?)",
            [owner, owner])
        return database.changesCount == 1
    }
}
