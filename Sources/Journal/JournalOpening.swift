internal import GRDB
internal import Glibc
internal import Linux

/// The steps from a path to an open journal. What they have made is dropped where one of them fails.
struct JournalOpening {
    let path: String
    let settings: JournalSettings
    let pool: DatabasePool
    let locks: OwnerLocks
    let owner: Owner?
    let writer: WriteQueue
    let checkpointer: Checkpointer

    init(path: String, role: JournalRole, settings: JournalSettings) throws {
        self.settings = settings
        self.path = try Self.file(at: path, role: role)
        locks = OwnerLocks(journal: self.path)
        let opening = try locks.takeOpening(within: settings.lockTimeout)
        defer { withExtendedLifetime(opening) {} }
        let patience = Patience(until: .now + settings.lockTimeout)
        try Self.check(self.path, patience: patience)
        pool = try DatabasePool(path: self.path, configuration: Self.configuration(patience))
        do {
            try Self.prepare(pool, path: self.path)
            owner =
                role == .visitor
                ? nil : try Owner.register(in: pool, locks: locks, at: settings.now().milliseconds)
            checkpointer = Checkpointer(
                try DatabaseQueue(path: self.path, configuration: Self.configuration(patience)), writer: pool,
                path: self.path, warn: settings.warn)
            writer = try WriteQueue(
                pool, patience: patience, checkpointer: checkpointer, path: self.path, settings: settings)
        } catch {
            try? pool.close()
            throw error
        }
    }

    /// The file's own path, whatever it was called by: the locks' file must be the same for all.
    private static func file(at path: String, role: JournalRole) throws -> String {
        if role == .process {
            // Before SQLite does, which would let everybody read it. A file that exists is not opened: closing it again
            // would release the locks that this process may have on it.
            let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            if descriptor >= 0 {
                Glibc.close(descriptor)
            } else if errno != EEXIST {
                throw JournalError(
                    path, system: SystemError("make \(path)"),
                    advice: "make the folder, and let this process's user write it")
            }
        }
        guard let real = realpath(path, nil) else {
            guard errno == ENOENT else { throw SystemError("realpath(\(path))") }
            throw JournalError(
                .missing, path, "there is no such journal", advice: "start the server, or name its file")
        }
        defer { free(real) }
        return String(cString: real)
    }

    /// Refuses other programs' databases, and later journals, before anything is written into them.
    private static func check(_ path: String, patience: Patience) throws {
        let database = try DatabaseQueue(path: path, configuration: configuration(patience))
        defer { try? database.close() }
        try database.read { database in
            let id = try Int64.fetchOne(database, sql: "PRAGMA application_id") ?? 0
            let tables = try Int64.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
            // A crash may have left no more of a journal than the empty file.
            if id == 0, tables == 0 { return }
            guard id == JournalSchema.applicationID else {
                throw JournalError(
                    .foreign, path, "a database of another program, with \(tables) tables and indices",
                    advice: "name another file")
            }
            if try JournalSchema.migrator.hasBeenSuperseded(database) {
                throw JournalError(
                    .newer, path, "a later version of this program has changed its tables",
                    advice: "run that version, or name another file")
            }
        }
    }

    private static func configuration(_ patience: Patience) -> Configuration {
        var configuration = Configuration()
        configuration.label = "journal"
        configuration.busyMode = .callback { patience.wait(tries: $0) }
        configuration.foreignKeysEnabled = true
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { database in
            // Every connection, also one that only looks: the Checkpointer says why.
            _ = try Int64.fetchOne(database, sql: "PRAGMA wal_autocheckpoint = 0")
        }
        return configuration
    }

    private static func prepare(_ pool: DatabasePool, path: String) throws {
        try pool.writeWithoutTransaction { database in
            // A pool leaves the last commits to the operating system. Ours are promises.
            try database.execute(sql: "PRAGMA synchronous = FULL")
            guard try Int64.fetchOne(database, sql: "PRAGMA synchronous") == 2 else {
                throw JournalError(.system, path, "SQLite does not sync each commit")
            }
            // Before there are tables: a crash between the two leaves a file that is known.
            if try Int64.fetchOne(database, sql: "PRAGMA application_id") != JournalSchema.applicationID {
                try database.execute(sql: "PRAGMA application_id = \(JournalSchema.applicationID)")
            }
            // After a long reader the WAL is large once; not for ever.
            try database.execute(sql: "PRAGMA journal_size_limit = \(64 << 20)")
        }
        try JournalSchema.migrator.migrate(pool)
        try syncFolder(of: path)
    }

    /// The files' names are on the disk too.
    private static func syncFolder(of path: String) throws {
        let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) + "/" } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open(\(folder))") }
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SystemError("fsync(\(folder))") }
    }
}
