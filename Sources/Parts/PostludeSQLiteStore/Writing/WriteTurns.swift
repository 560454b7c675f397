internal import GRDB
internal import PostludeSystem

/// The turns of one process's writers: the write queue, and transactions of the application on connections of their own.
///
/// SQLite's write lock alone excludes them, too, but its waiters only try again at intervals: a writer that begins just after
/// another one has ended would overtake those that have waited for long.
final class WriteTurns: Sendable {
    private struct State {
        /// The writer whose turn it is, by the number that it has drawn.
        var current = 0
        var next = 0
        /// Those that have given up.
        var gone: Set<Int> = []

        mutating func advance() {
            current += 1
            while gone.remove(current) != nil { current += 1 }
        }
    }

    private let state = ConditionLock(State())

    /// Waits for a turn, in the order of the calls. The caller ends it with ``end()``.
    ///
    /// - Throws: a `DatabaseError` with SQLITE_BUSY at the deadline, as SQLite itself.
    func take(until deadline: MonotonicTime) throws {
        let number = state.withLock { state in
            defer { state.next += 1 }
            return state.next
        }
        let isTaken = state.wait { state -> ConditionLock<State>.Step<Bool> in
            if state.current == number { return .stop(true) }
            guard deadline > .now else {
                state.gone.insert(number)
                return .stop(false)
            }
            return .wait(until: deadline)
        }
        guard isTaken else {
            throw DatabaseError(
                resultCode: .SQLITE_BUSY,
                message: "another transaction of this process has been open for too long")
        }
    }

    func end() {
        state.withLock { $0.advance() }
        state.broadcast()
    }
}
