internal import GRDB
internal import PostludeSystem
internal import PostludeTaskStore

extension TaskStoreError {
    /// Converts an error of SQLite, the system or the task store.
    init(_ path: String, _ error: any Error) {
        switch error {
        case let error as TaskStoreError: self = error
        case let error as SystemError: self.init(path, system: error)
        case let error as DatabaseError: self.init(path, sqlite: error)
        default: self.init(.system, path, "\(error)")
        }
    }

    private init(_ path: String, sqlite error: DatabaseError) {
        // The error's description is not used: it contains the statement's arguments, which are the user's data.
        let reason = "\(error.message ?? "SQLite error") (SQLite \(error.extendedResultCode.rawValue))"
        switch error.resultCode {
        case .SQLITE_FULL:
            self.init(.full, path, reason, advice: "make room on its disk")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(
                .locked, path, "another program has written to it for too long: \(reason)",
                advice: "find it: fuser -v \(path)")
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH:
            self.init(
                .notWritable, path, reason,
                advice: "let this process's user write the file and create files in its folder")
        case .SQLITE_NOTADB:
            self.init(.foreign, path, "not an SQLite database", advice: "name another file")
        case .SQLITE_CORRUPT:
            self.init(.damaged, path, reason, advice: "inspect it: sqlite3 \(path) 'PRAGMA integrity_check'")
        case .SQLITE_CONSTRAINT, .SQLITE_TOOBIG, .SQLITE_MISMATCH, .SQLITE_RANGE:
            self.init(.refused, path, reason)
        case .SQLITE_MISUSE:
            self.init(.closed, path, "the task store is closed")
        default:
            self.init(.system, path, reason)
        }
    }
}
