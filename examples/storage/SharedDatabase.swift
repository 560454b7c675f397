package import GRDB
internal import Glibc
internal import Synchronization

/// An SQLite file that several processes may write at once.
///
/// SQLite 3.7.0 to 3.51.2 loses commits if one connection begins a checkpoint while another one restarts the WAL
/// ("The WAL-Reset Bug" in <https://sqlite.org/wal.html>). So no connection checkpoints automatically here. After some
/// writes, one does while the writer's lock is held, so that no commit restarts the WAL.
package final class SharedDatabase: Sendable {
    private static let writesBetweenCheckpoints = 200

    private let pool: DatabasePool
    /// A checkpoint runs on a connection other than the one that holds the lock.
    private let checkpoints: DatabaseQueue
    private let writes = Atomic<Int>(0)

    /// - Parameter isSynced: whether each commit is on the disk before a write returns.
    package init(path: String, isSynced: Bool, migrator: DatabaseMigrator) throws {
        var configuration = Configuration()
        // Other programs may write: waits until they have finished.
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { database in
            _ = try Int.fetchOne(database, sql: "PRAGMA wal_autocheckpoint = 0")
        }
        pool = try Self.inTurn(beside: path) {
            // A pool keeps its file in WAL mode: readers do not wait for a writer, nor a writer for them.
            let pool = try DatabasePool(path: path, configuration: configuration)
            if isSynced {
                // In WAL mode GRDB leaves the last commits to the operating system.
                try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            }
            try migrator.migrate(pool)
            return pool
        }
        checkpoints = try DatabaseQueue(path: path, configuration: configuration)
    }

    /// Opens the file while holding a lock on its folder. Of two processes that migrate the file at once, the second would
    /// fail on the first one's tables. The lock ends with its process.
    ///
    /// - Parameter make: called again while another process, which already has the file open, switches it to WAL mode or
    ///   back: SQLite does not wait for that, in any busy mode.
    private static func inTurn<Value>(beside path: String, _ make: () throws -> Value) throws -> Value {
        let end = ContinuousClock.now + .seconds(5)
        let name = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let folder = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { if folder >= 0 { Glibc.close(folder) } }
        // Without the lock, as in a folder that this user cannot read, only the first start differs.
        while folder >= 0, flock(folder, LOCK_EX | LOCK_NB) != 0, .now < end { usleep(10_000) }
        while true {
            do {
                return try make()
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY && .now < end {
                usleep(10_000)
            }
        }
    }

    package func read<Value>(_ body: (Database) throws -> Value) throws -> Value { try pool.read(body) }

    package func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
        let value = try pool.write(body)
        if writes.add(1, ordering: .relaxed).newValue.isMultiple(of: Self.writesBetweenCheckpoints) {
            // A checkpoint that fails, because others write for long, leaves the pages to the next one.
            try? checkpoint()
        }
        return value
    }

    private func checkpoint() throws {
        try pool.writeWithoutTransaction { database in
            try database.inTransaction(.immediate) {
                _ = try checkpoints.writeWithoutTransaction { try $0.checkpoint(.passive) }
                return .commit
            }
        }
    }

    /// Closes the database. No other thread may use it any more.
    package func close() throws {
        // The last connection checkpoints the WAL and removes it, which readers may not.
        try checkpoints.close()
        pool.releaseMemory()
        try pool.close()
    }
}
