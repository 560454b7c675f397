/// A transaction around the call of a handler, which contains the handler's changes and its request's persisted tasks.
///
/// It is committed after the handler has returned, in the place where the tasks are persisted, and rolled back otherwise.
package protocol RequestTransaction: AnyObject {
    /// Calls the handler, which takes its inputs within this call.
    func call<Value>(_ handler: () throws -> Value) throws -> Value

    /// Commits it. When this returns, its changes are on the disk.
    ///
    /// - Throws: ``CommitConflict`` if the database refuses the changes, which is answered with 409; other errors with 503.
    func commit() throws

    /// Rolls it back, unless it is over.
    func rollback()
}

/// The error of a transaction whose changes the database has refused when they were committed.
package struct CommitConflict: Error, CustomStringConvertible {
    package let reason: any Error
    package var description: String { "the transaction could not be committed: \(reason)" }

    package init(_ reason: any Error) { self.reason = reason }
}

/// The error of a handler that persists tasks by themselves while its transaction is open.
struct PersistedInTransaction: Error, CustomStringConvertible {
    var description: String {
        """
        persist() cannot write durable tasks while the request's transaction is open: they are committed with it; for a task's \
        result within it, use enqueue(_:in:)
        """
    }
}
