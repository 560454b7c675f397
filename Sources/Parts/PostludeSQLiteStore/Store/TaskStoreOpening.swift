internal import FoundationEssentials
internal import GRDB
internal import Glibc
internal import PostludeSystem
package import PostludeTaskStore

/// The opening of a task store, step by step. If a step fails, the connections and locks of the steps before it are closed.
struct TaskStoreOpening {
    let path: String
    let settings: TaskStoreSettings
    let names: TableNames
    let application: ApplicationDatabase?
    let pool: DatabasePool
    let lookups: DatabaseQueue
    let locks: OwnerLocks
    let files: TaskStoreFiles
    let owner: Owner?
    let running: RunningRecords?
    let writer: WriteQueue
    let checkpointer: Checkpointer

    /// - Parameter writer: the application's database at that path; nil for a file of the task store's own.
    init(
        path: String, role: TaskStoreRole, settings: TaskStoreSettings,
        application writer: (any DatabaseWriter)? = nil
    ) throws {
        self.settings = settings
        let names = writer == nil ? TableNames.plain : .prefixed
        self.names = names
        let (path, isMade) = try Self.file(at: path, role: writer == nil ? role : .visitor)
        self.path = path
        locks = OwnerLocks(taskStore: path)
        // A visitor does not wait for a process that is opening the task store: that process may be suspended.
        var opening = role == .visitor ? nil : try locks.takeOpening(within: settings.lockTimeout)
        defer { withExtendedLifetime(opening) {} }
        do {
            try Self.checkFiles(of: path, locks: locks, stamped: writer == nil)
        } catch {
            if isMade { unlink(path) }
            throw error
        }
        let busyTimeout = BusyTimeout(until: .now + settings.lockTimeout)
        let isCurrent = try Self.check(path, names, role, busyTimeout: busyTimeout)
        if !isCurrent, opening == nil { opening = try locks.takeOpening(within: settings.lockTimeout) }
        pool = try DatabasePool(path: path, configuration: Self.configuration(busyTimeout))
        do {
            try Self.prepare(pool, names, path: path)
            if !isCurrent { try Self.migrate(pool, names) }
            if role == .process { try Self.syncFolder(of: path) }
            lookups = try DatabaseQueue(path: path, configuration: Self.readingConfiguration(busyTimeout))
            let files = try TaskStoreFiles(open: path)
            self.files = files
            let owner =
                role == .visitor
                ? nil
                : try Owner.register(in: pool, names, locks: locks, isLost: try locks.files.isEmpty) {
                    settings.now().milliseconds
                }
            self.owner = owner
            if owner != nil { try locks.note(files: TaskStoreFiles.text(of: path)) }
            let running = try Self.running(of: owner, in: pool, names, path: path)
            self.running = running
            let checkpointer = Checkpointer(
                try DatabaseQueue(path: path, configuration: Self.configuration(busyTimeout)), writer: pool,
                path: path, warn: settings.warn)
            self.checkpointer = checkpointer
            let turns = writer.map { _ in WriteTurns() }
            let queue = try WriteQueue(
                pool, busyTimeout: busyTimeout, checkpointer: checkpointer, path: path, settings: settings,
                turns: turns, stamps: names == .plain
            ) { database in
                try files.check()
                try owner?.confirm(in: StoreDatabase(database, names))
                // Without that file no task is lost, but a death of this process could not be attributed to a record.
                do throws(SystemError) {
                    try running?.confirm()
                } catch {
                    settings.report(TaskStoreError(path, system: error))
                }
            }
            self.writer = queue
            guard let writer, let turns else {
                application = nil
                return
            }
            checkpointer.onDemand { [weak queue] in queue?.note { _ in } }
            do {
                application = try ApplicationDatabase(
                    writer, at: path, role: role, turns: turns, checkpointer: checkpointer, settings: settings
                )
            } catch {
                queue.close()
                checkpointer.close()
                throw error
            }
        } catch {
            try? pool.close()
            throw error
        }
    }

    /// Returns the canonical path of the file, so that all processes use the same lock file. Creates the file if the role is
    /// `process`.
    ///
    /// - Returns: the path, and whether the file was created.
    private static func file(at path: String, role: TaskStoreRole) throws -> (path: String, isMade: Bool) {
        var isMade = false
        if role == .process {
            // Creates the file before SQLite does, which would make it readable for all users. An existing file is not opened:
            // closing it again would release the locks that this process may have on it.
            let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            if descriptor >= 0 {
                Glibc.close(descriptor)
                isMade = true
            } else if errno != EEXIST {
                throw TaskStoreError(
                    path, system: SystemError("create the file"),
                    advice: "create the folder, and let this process's user write to it")
            }
        }
        guard let real = realpath(path, nil) else {
            guard errno == ENOENT else { throw SystemError("realpath") }
            throw TaskStoreError(
                .missing, path, "there is no such task store", advice: "start the server, or name its file")
        }
        defer { free(real) }
        return (String(cString: real), isMade)
    }

    private static func running(
        of owner: Owner?, in pool: DatabasePool, _ names: TableNames, path: String
    ) throws -> RunningRecords? {
        guard let owner else { return nil }
        let owners = try pool.read { try StoreDatabase($0, names).numbers(Owner.all) }
        RunningRecords.removeOthers(than: owners, taskStore: path)
        return try RunningRecords(ofOwner: owner.number, taskStore: path)
    }

    /// Refuses files other than those that living owners have open, and a WAL that does not belong to the file.
    ///
    /// - Parameter stamped: whether the file's transactions have a `WriteStamp`.
    private static func checkFiles(of path: String, locks: OwnerLocks, stamped: Bool) throws {
        var tries = 0
        while true {
            do {
                if try locks.hasLiving {
                    let open = try locks.files
                    if open.isEmpty || open == TaskStoreFiles.text(of: path) { return }
                    throw TaskStoreFiles.moved("\(path), or \(path)-wal,", of: path)
                }
                if stamped { try WriteStamp.check(path) }
                return
            } catch {
                // Retries: the last process may be closing the task store, which removes the WAL, or a command may be writing.
                tries += 1
                guard tries < 20 else { throw error }
                usleep(25_000)
            }
        }
    }

    /// Refuses databases of other programs, and task stores of later versions, before anything is written to them.
    ///
    /// - Returns: whether the tables are those of this version.
    private static func check(
        _ path: String, _ names: TableNames, _ role: TaskStoreRole, busyTimeout: BusyTimeout
    ) throws -> Bool {
        let database = try DatabaseQueue(path: path, configuration: configuration(busyTimeout))
        defer { try? database.close() }
        return try database.read { database in
            switch names {
            case .plain: try checkKind(of: database, at: path, mayBeEmpty: true)
            case .prefixed: try checkMigrations(of: database, at: path, role)
            }
        }
    }

    /// Opens a connection that reads a task store without migrating its tables.
    ///
    /// - Returns: the connection, and the names of the migrations that the tables have; none if there are no tables.
    static func reading(
        _ path: String, _ names: TableNames
    ) throws -> (connection: DatabaseQueue, applied: Set<String>) {
        let (path, _) = try file(at: path, role: .visitor)
        try checkFiles(of: path, locks: OwnerLocks(taskStore: path), stamped: names == .plain)
        let busyTimeout = BusyTimeout(until: .now + TaskStoreSettings().lockTimeout)
        let connection = try DatabaseQueue(path: path, configuration: configuration(busyTimeout))
        do {
            let applied = try connection.read { database -> Set<String> in
                switch names {
                case .plain:
                    try checkKind(of: database, at: path, mayBeEmpty: true)
                    return Set(try TaskStoreSchema.migrator.appliedMigrations(database))
                case .prefixed:
                    guard let applied = try PrefixedMigrations.applied(in: database) else { return [] }
                    _ = try checkMigrations(of: database, at: path, .visitor)
                    return Set(applied)
                }
            }
            return (connection, applied)
        } catch {
            try? connection.close()
            throw error
        }
    }

    /// Refuses an application's database whose tables of tasks are of a later version.
    ///
    /// - Returns: whether they are those of this version.
    private static func checkMigrations(
        of database: Database, at path: String, _ role: TaskStoreRole
    ) throws -> Bool {
        guard let applied = try PrefixedMigrations.applied(in: database) else {
            if role == .process { return false }
            throw TaskStoreError(
                .missing, path, "the database has no tables of durable tasks yet", advice: "start the server")
        }
        let known = Set(TaskStoreSchema.migrations.map(\.name))
        guard known.isSuperset(of: applied) else { throw newer(path, advice: "run that version") }
        return applied.count == known.count
    }

    private static func newer(_ path: String, advice: String) -> TaskStoreError {
        TaskStoreError(
            .newer, path, "a later version of this program has changed its tables", advice: advice)
    }

    private static func migrate(_ pool: DatabasePool, _ names: TableNames) throws {
        switch names {
        case .plain: try TaskStoreSchema.migrator.migrate(pool)
        case .prefixed: try pool.writeWithoutTransaction { try PrefixedMigrations.migrate($0) }
        }
    }

    /// - Returns: whether the tables are those of this version.
    @discardableResult
    fileprivate static func checkKind(of database: Database, at path: String, mayBeEmpty: Bool) throws -> Bool
    {
        let id = try Int64.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let tables = try Int64.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
        // After a crash a task store may be an empty file.
        if mayBeEmpty, id == 0, tables == 0 { return false }
        guard id == TaskStoreSchema.applicationID else {
            throw TaskStoreError(
                .foreign, path, "a database of another program, with \(tables) tables and indices",
                advice: "name another file")
        }
        if try TaskStoreSchema.migrator.hasBeenSuperseded(database) {
            throw newer(path, advice: "run that version, or name another file")
        }
        return try TaskStoreSchema.migrator.hasCompletedMigrations(database)
    }

    private static func configuration(_ busyTimeout: BusyTimeout) -> Configuration {
        var configuration = Configuration()
        configuration.label = "task store"
        configuration.busyMode = .callback { busyTimeout.wait(tries: $0) }
        configuration.foreignKeysEnabled = true
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { database in
            // This is set on every connection, including a visitor's; `Checkpointer` explains why.
            _ = try Int64.fetchOne(database, sql: "PRAGMA wal_autocheckpoint = 0")
        }
        return configuration
    }

    private static func readingConfiguration(_ busyTimeout: BusyTimeout) -> Configuration {
        var configuration = configuration(busyTimeout)
        configuration.readonly = true
        return configuration
    }

    private static func prepare(_ pool: DatabasePool, _ names: TableNames, path: String) throws {
        try pool.writeWithoutTransaction { database in
            // GRDB's pool does not sync each commit, so that a power failure may lose the last ones. These must be durable.
            try database.execute(sql: "PRAGMA synchronous = FULL")
            guard try Int64.fetchOne(database, sql: "PRAGMA synchronous") == 2 else {
                throw TaskStoreError(.system, path, "SQLite does not sync each commit")
            }
            // Set before the tables are created, so that the file is recognized after a crash between the two steps.
            if names == .plain,
                try Int64.fetchOne(database, sql: "PRAGMA application_id") != TaskStoreSchema.applicationID
            {
                try database.execute(sql: "PRAGMA application_id = \(TaskStoreSchema.applicationID)")
            }
            // A long read makes the WAL grow. This limit truncates it when it is restarted.
            try database.execute(sql: "PRAGMA journal_size_limit = \(64 << 20)")
        }
    }

    /// Syncs the folder, so that the files' names are on the disk, too.
    fileprivate static func syncFolder(of path: String) throws {
        let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) + "/" } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open(\(folder))") }
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SystemError("fsync(\(folder))") }
    }
}

extension SQLiteTaskStore {
    /// Returns the migrations that are still to be applied to a file, in their order: all of them if there is none.
    static func pendingMigrations(
        of path: String
    ) throws(TaskStoreError) -> [TaskStoreSchema.Migration] {
        guard FileIdentity(path: path) != nil else { return TaskStoreSchema.migrations }
        do {
            let database = try DatabaseQueue(path: path)
            defer { try? database.close() }
            let applied = try database.read { database in
                try TaskStoreOpening.checkKind(of: database, at: path, mayBeEmpty: true)
                return try TaskStoreSchema.migrator.appliedMigrations(database)
            }
            return TaskStoreSchema.missing(after: applied)
        } catch {
            throw TaskStoreError(path, error)
        }
    }

    /// Replaces a task store by a copy of a backup.
    ///
    /// The order of the steps keeps each WAL with its file, also if this process dies between two steps.
    ///
    /// - Parameters:
    ///   - backup: a file that `.backup` has made, or a task store that no process has open. It stays as it is.
    ///   - path: the task store to replace. No process may have it open.
    /// - Returns: the path to which the previous task store was moved; nil if there was none.
    package static func restore(_ backup: String, to path: String) throws(TaskStoreError) -> String? {
        do {
            return try Restoring(backup, to: path).run()
        } catch {
            throw TaskStoreError(path, error)
        }
    }
}

private struct Restoring {
    private let backup: String
    private let path: String
    private let new: String
    private let old: String

    init(_ backup: String, to path: String) throws {
        self.backup = backup
        // The canonical path, if the file exists.
        self.path =
            realpath(path, nil).map { real -> String in
                defer { free(real) }
                return String(cString: real)
            } ?? path
        new = self.path + ".restoring"
        old = self.path + ".before-\(Date().milliseconds)"
    }

    func run() throws -> String? {
        let locks = OwnerLocks(taskStore: path)
        let opening = try locks.takeOpening(within: .seconds(5))
        defer { withExtendedLifetime(opening) {} }
        if try locks.hasLiving {
            throw TaskStoreError(
                .refused, path, "a process has the task store open",
                advice: "stop every server of it, then restore")
        }
        try copy()
        let isThere = FileIdentity(path: path) != nil
        do {
            if isThere {
                try give(new, toOwnerOf: path)
                try check(link(path, old), "link(\(path), \(old))")
            }
            // From here on the old file lacks its last transactions under its old name, and is complete under the new one.
            try move(path + "-wal", to: old + "-wal")
            try remove(path + "-shm")
            try check(rename(new, path), "rename(\(new), \(path))")
            // Removes the lists of running records of processes that had the previous task store open.
            RunningRecords.removeOthers(than: [], taskStore: path)
            try TaskStoreOpening.syncFolder(of: path)
        } catch {
            unlink(new)
            throw error
        }
        return isThere ? old : nil
    }

    /// Copies the backup, with the transactions in its WAL, and checks the copy.
    private func copy() throws {
        guard FileIdentity(path: backup) != nil else {
            throw TaskStoreError(
                .missing, backup, "there is no such backup", advice: "name an existing file")
        }
        if try OwnerLocks(taskStore: backup).hasLiving {
            throw TaskStoreError(
                .refused, backup, "a process has it open",
                advice: "make a copy: sqlite3 \(backup) '.backup copy'")
        }
        for suffix in ["", "-wal", "-shm", "-journal"] { try remove(new + suffix) }
        do {
            for suffix in ["", "-wal"] where FileIdentity(path: backup + suffix) != nil {
                try FileManager.default.copyItem(atPath: backup + suffix, toPath: new + suffix)
            }
            try check(chmod(new, 0o600), "chmod(\(new))")
            try WriteStamp.check(new)
            let copy = try DatabaseQueue(path: new)
            defer { try? copy.close() }
            let found = try copy.writeWithoutTransaction { database in
                try TaskStoreOpening.checkKind(of: database, at: backup, mayBeEmpty: false)
                // Moves the transactions in the backup's WAL into the copy.
                try database.execute(sql: "PRAGMA journal_mode = DELETE")
                return try String.fetchOne(database, sql: "PRAGMA integrity_check") ?? ""
            }
            guard found == "ok" else {
                throw TaskStoreError(.damaged, backup, found, advice: "take another backup")
            }
        } catch {
            for suffix in ["", "-wal", "-shm"] { unlink(new + suffix) }
            throw TaskStoreError(backup, error)
        }
        let copied = open(new, O_RDONLY | O_CLOEXEC)
        guard copied >= 0 else { throw SystemError("open(\(new))") }
        defer { close(copied) }
        try check(fsync(copied), "fsync(\(new))")
    }

    private func give(_ file: String, toOwnerOf model: String) throws {
        var status = stat()
        try check(stat(model, &status), "stat(\(model))")
        if geteuid() == 0 { try check(chown(file, status.st_uid, status.st_gid), "chown(\(file))") }
        try check(chmod(file, status.st_mode & 0o777), "chmod(\(file))")
    }

    private func move(_ file: String, to name: String) throws {
        guard rename(file, name) != 0, errno != ENOENT else { return }
        throw SystemError("rename(\(file), \(name))")
    }

    private func remove(_ file: String) throws {
        guard unlink(file) != 0, errno != ENOENT else { return }
        throw SystemError("unlink(\(file))")
    }

    private func check(_ result: Int32, _ operation: String) throws {
        if result != 0 { throw SystemError(operation) }
    }
}
