internal import Glibc
package import PostludeSystem

/// An error of the task store. Nothing of what was requested has been done.
package struct TaskStoreError: Error, Sendable, CustomStringConvertible {
    package struct Code: Sendable, Hashable {
        private enum Value {
            case full, locked, conflict, notWritable, missing, moved, foreign, newer, damaged, system,
                refused, closed
        }
        private let value: Value
        private init(_ value: Value) { self.value = value }

        /// The disk is full, or a quota is exceeded.
        package static let full = Code(.full)
        /// Another program has held the write lock for too long.
        package static let locked = Code(.locked)
        /// The database has refused changes when they were committed: a constraint is violated.
        package static let conflict = Code(.conflict)
        /// It cannot be created or written.
        package static let notWritable = Code(.notWritable)
        /// There is none, and the operation does not create one.
        package static let missing = Code(.missing)
        /// A file was removed, renamed or replaced while a process has it open.
        package static let moved = Code(.moved)
        /// It is not a task store.
        package static let foreign = Code(.foreign)
        /// The task store is of a later version of this program.
        package static let newer = Code(.newer)
        /// It does not contain what the database, or this program, has written.
        package static let damaged = Code(.damaged)
        /// Reading, writing or syncing failed.
        package static let system = Code(.system)
        /// The request is not possible: the record is in another state, or a value is invalid.
        package static let refused = Code(.refused)
        package static let closed = Code(.closed)
    }

    package let code: Code
    /// Where the task store is, or the file that is meant.
    package let place: String
    /// What happened, with which value.
    package let reason: String
    /// What the operator can do about it, if anything.
    package let advice: String?

    package var description: String { "\(place): \(reason)" + (advice.map { "; \($0)" } ?? "") }

    /// Whether another attempt may succeed without a change of the program or the task store.
    package var isTemporary: Bool { code == .full || code == .locked || code == .moved || code == .system }
}

extension TaskStoreError {
    package init(_ code: Code, _ place: String, _ reason: String, advice: String? = nil) {
        self.init(code: code, place: place, reason: reason, advice: advice)
    }

    package init(_ place: String, system error: SystemError, advice: String? = nil) {
        let code: Code =
            switch error.errno {
            case ENOSPC, EDQUOT: .full
            case EACCES, EROFS, EPERM, ENOENT, ENOTDIR: .notWritable
            default: .system
            }
        self.init(code, place, "\(error)", advice: advice)
    }

    /// Refuses a request with a text that contains a NUL; a payload may.
    package static func checkText(of request: NewRequest, at place: String) throws(TaskStoreError) {
        if let answer = request.answer { try checkText(answer.key.route, at: place) }
        for record in request.records {
            for text in [
                request.id, request.route, record.name, record.uniqueKey, record.queue, record.limitKey,
            ] {
                if let text { try checkText(text, at: place) }
            }
        }
    }

    /// Refuses text with a NUL, where a database's text may end: two keys would be equal.
    package static func checkText(_ text: String, at place: String) throws(TaskStoreError) {
        guard text.utf8.contains(0) else { return }
        throw TaskStoreError(
            .refused, place,
            "a NUL in a request's id or route, or in a task's name, keys or queue: \(text.debugDescription)")
    }
}
