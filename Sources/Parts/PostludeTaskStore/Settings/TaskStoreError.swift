internal import GRDB
internal import Glibc
internal import PostludeSystem

/// An error of the task store. Nothing of what was requested has been done.
package struct TaskStoreError: Error, Sendable, CustomStringConvertible {
    package struct Code: Sendable, Hashable {
        private enum Value {
            case full, locked, notWritable, missing, moved, foreign, newer, damaged, system, refused, closed
        }
        private let value: Value
        private init(_ value: Value) { self.value = value }

        /// The disk is full, or a quota is exceeded.
        package static let full = Code(.full)
        /// Another program has held the write lock for too long.
        package static let locked = Code(.locked)
        /// The file cannot be created or written.
        package static let notWritable = Code(.notWritable)
        /// There is no file, and the operation does not create one.
        package static let missing = Code(.missing)
        /// A file was removed, renamed or replaced while a process has it open.
        package static let moved = Code(.moved)
        /// The file is not a task store.
        package static let foreign = Code(.foreign)
        /// The task store is of a later version of this program.
        package static let newer = Code(.newer)
        /// The file does not contain what SQLite, or this program, has written.
        package static let damaged = Code(.damaged)
        /// Reading, writing or syncing failed.
        package static let system = Code(.system)
        /// The request is not possible: the record is in another state, or a value is invalid.
        package static let refused = Code(.refused)
        package static let closed = Code(.closed)
    }

    package let code: Code
    package let path: String
    /// What happened, with which value.
    package let reason: String
    /// What the operator can do about it, if anything.
    package let advice: String?

    package var description: String { "\(path): \(reason)" + (advice.map { "; \($0)" } ?? "") }

    /// Whether another attempt may succeed without a change of the program or the file.
    package var isTemporary: Bool { code == .full || code == .locked || code == .moved || code == .system }
}

extension TaskStoreError {
    init(_ code: Code, _ path: String, _ reason: String, advice: String? = nil) {
        self.init(code: code, path: path, reason: reason, advice: advice)
    }

    init(_ path: String, system error: SystemError, advice: String? = nil) {
        let code: Code =
            switch error.errno {
            case ENOSPC, EDQUOT: .full
            case EACCES, EROFS, EPERM, ENOENT, ENOTDIR: .notWritable
            default: .system
            }
        self.init(code, path, "\(error)", advice: advice)
    }

    /// Converts an error of SQLite, the system or this module.
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
