internal import GRDB
internal import Glibc
internal import PostludeSystem

/// A process that has the task store open, and its lock: whose lock is free is dead, and stays so.
final class Owner: Sendable {
    let number: Int64
    private let locks: OwnerLocks
    private let now: @Sendable () -> Int64
    private let state: Lock<State>

    private struct State {
        /// Held while the process lives. More than one where the file was made anew: those that have not seen it look into
        /// the old one. Empty for one that has left.
        var held: [ByteLock]
        var isConfirmed = true
    }

    private init(number: Int64, lock: ByteLock, locks: OwnerLocks, now: @escaping @Sendable () -> Int64) {
        self.number = number
        self.locks = locks
        self.now = now
        state = Lock(State(held: [lock]))
    }

    /// Registers a new one. Others see its number when its lock is held already.
    ///
    /// - Parameter isLost: whether the locks' file was made anew for it.
    static func register(
        in pool: DatabasePool, locks: OwnerLocks, isLost: Bool, now: @escaping @Sendable () -> Int64
    ) throws -> Owner {
        var owner: Owner?
        try pool.writeWithoutTransaction { database in
            try database.inTransaction(.immediate) {
                if isLost, try database.number("SELECT 1 FROM owner LIMIT 1") != nil { try locks.noteLoss() }
                try database.run("INSERT INTO owner (pid, started) VALUES (?, ?)", [Int64(getpid()), now()])
                let number = database.lastInsertedRowID
                guard let lock = try locks.take(owner: number) else { throw taken(number) }
                owner = Owner(number: number, lock: lock, locks: locks, now: now)
                return .commit
            }
        }
        guard let owner else { throw CancellationError() }
        return owner
    }

    private static func taken(_ number: Int64) -> DatabaseError {
        DatabaseError(
            resultCode: .SQLITE_CORRUPT,
            message: "another process holds the lock of owner \(number), which is not its own")
    }

    /// Called at the beginning of each transaction: where the file of the locks was removed, or the owner's row, others
    /// would take this process for dead.
    func confirm(in database: Database) throws {
        guard let lock = state.withLock({ $0.isConfirmed ? $0.held.last : nil }) else { return }
        if !lock.isIn(fileAt: locks.path) {
            guard let new = try locks.take(owner: number) else { throw Self.taken(number) }
            state.withLock { if !$0.held.isEmpty { $0.held.append(new) } }
            try locks.noteLoss()
        }
        guard try database.number("SELECT 1 FROM owner WHERE number = ?", [number]) == nil else { return }
        try database.run(
            "INSERT INTO owner (number, pid, started) VALUES (?, ?, ?)", [number, Int64(getpid()), now()])
    }

    /// Whether another owner lives.
    func isAlive(_ other: Int64) throws -> Bool {
        try locks.isAlive(other, own: state.withLock { $0.held.first })
    }

    /// Its row may go.
    func endConfirming() { state.withLock { $0.isConfirmed = false } }

    /// It is dead for all others.
    func leave() { state.withLock { $0.held = [] } }
}
