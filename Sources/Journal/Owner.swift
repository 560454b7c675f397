internal import GRDB
internal import Glibc
internal import Linux

/// A process that has the journal open, and its lock: whose lock is free is dead, and stays so.
struct Owner: Sendable {
    let number: Int64
    /// Held while the process lives.
    let lock: ByteLock

    /// Registers a new one. Others see its number when its lock is held already.
    static func register(in pool: DatabasePool, locks: OwnerLocks, at now: Int64) throws -> Owner {
        var owner: Owner?
        try pool.writeWithoutTransaction { database in
            try database.inTransaction(.immediate) {
                try database.run("INSERT INTO owner (pid, started) VALUES (?, ?)", [Int64(getpid()), now])
                let number = database.lastInsertedRowID
                guard let lock = try ByteLock.take(byte: number, of: locks.path) else {
                    throw DatabaseError(
                        resultCode: .SQLITE_CORRUPT,
                        message: "somebody holds the lock of owner \(number), who is new")
                }
                owner = Owner(number: number, lock: lock)
                return .commit
            }
        }
        guard let owner else { throw CancellationError() }
        return owner
    }
}

/// The file whose bytes stand for owners, queues' publishers and the journal's opening.
///
/// Not the journal itself: closing a descriptor of that would release the locks that SQLite has on it.
struct OwnerLocks: Sendable {
    let path: String

    /// Held while a process opens the journal.
    static let opening: Int64 = 0
    /// Owners have the numbers below.
    private static let firstQueue: Int64 = 1 << 40

    init(journal path: String) { self.path = path + "-owners" }

    func isAlive(_ owner: Int64) throws(SystemError) -> Bool { try ByteLock.isHeld(byte: owner, of: path) }

    /// - Returns: nil where somebody publishes.
    func takePublisher(ofQueue number: Int64) throws(SystemError) -> ByteLock? {
        try ByteLock.take(byte: Self.firstQueue + number, of: path)
    }

    /// Waits for the others that open the journal.
    func takeOpening(within timeout: Duration) throws -> ByteLock {
        let end = MonotonicTime.now + timeout
        while true {
            if let lock = try ByteLock.take(byte: Self.opening, of: path) { return lock }
            guard MonotonicTime.now < end else {
                throw DatabaseError(resultCode: .SQLITE_BUSY, message: "somebody is opening it")
            }
            usleep(2_000)
        }
    }
}
