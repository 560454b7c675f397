internal import FoundationEssentials
internal import GRDB
internal import Glibc
internal import PostludeSystem

extension SQLiteTaskStore {
    /// Puts a copy of a task store in a task store's place.
    ///
    /// The order keeps each WAL with its file, also if this process dies between two steps.
    ///
    /// - Parameters:
    ///   - backup: a file that `.backup` has made, or a task store that no process has open. It stays as it is.
    ///   - path: where it is to be. No process may have that task store open.
    /// - Returns: where the task store is that was there; nil if there was none.
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
        // The file's own path, where it is there.
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
            // From here on the old file lacks its last transactions under the old name, and is whole under the new one.
            try move(path + "-wal", to: old + "-wal")
            try remove(path + "-shm")
            try check(rename(new, path), "rename(\(new), \(path))")
            // What processes ran that had the other one open.
            RunningRecords.removeOthers(than: [], taskStore: path)
            try TaskStoreOpening.syncFolder(of: path)
        } catch {
            unlink(new)
            throw error
        }
        return isThere ? old : nil
    }

    /// A whole copy, with what the backup's own WAL may have.
    private func copy() throws {
        guard FileIdentity(path: backup) != nil else {
            throw TaskStoreError(
                .missing, backup, "there is no such backup", advice: "name a file that is there")
        }
        if try OwnerLocks(taskStore: backup).hasLiving {
            throw TaskStoreError(
                .refused, backup, "a process has it open",
                advice: "take a copy: sqlite3 \(backup) '.backup copy'")
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
                // It moves into the file what the backup's own WAL may have.
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
