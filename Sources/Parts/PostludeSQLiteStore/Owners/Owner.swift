internal import GRDB
internal import Glibc
internal import PostludeSystem
internal import PostludeTaskStore

/// A process that has the task store open to run tasks, with its lock. An owner whose lock is free is dead, and stays dead.
final class Owner: Sendable {
    let number: Int64
    private let locks: OwnerLocks
    private let now: @Sendable () -> Int64
    private let state: Lock<State>

    private struct State {
        /// The locks that are held while the process lives. There are several if the lock file was recreated: processes that
        /// have not noticed that yet check the old one. Empty after ``leave()``.
        var held: [ByteLock]
        var isConfirmed = true
    }

    private init(number: Int64, lock: ByteLock, locks: OwnerLocks, now: @escaping @Sendable () -> Int64) {
        self.number = number
        self.locks = locks
        self.now = now
        state = Lock(State(held: [lock]))
    }

    /// Registers a new owner. Its lock is held before other processes can see its number.
    ///
    /// - Parameter isLost: whether the lock file was recreated for it.
    static func register(
        in pool: DatabasePool, _ names: TableNames, locks: OwnerLocks, isLost: Bool,
        now: @escaping @Sendable () -> Int64
    ) throws -> Owner {
        var owner: Owner?
        try pool.writeWithoutTransaction { connection in
            let database = StoreDatabase(connection, names)
            try connection.inTransaction(.immediate) {
                if isLost, try database.number(any) != nil { try locks.noteLoss() }
                try database.run(insertion, [Int64(getpid()), now()])
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

    /// Restores the lock file and the owner's row if they were removed: otherwise other processes would consider this one dead.
    /// Called at the beginning of each transaction.
    func confirm(in database: StoreDatabase) throws {
        guard let lock = state.withLock({ $0.isConfirmed ? $0.held.last : nil }) else { return }
        if !lock.isIn(fileAt: locks.path) {
            guard let new = try locks.take(owner: number) else { throw Self.taken(number) }
            state.withLock { if !$0.held.isEmpty { $0.held.append(new) } }
            try locks.noteLoss()
        }
        guard try database.number(Self.existence, [number]) == nil else { return }
        try database.run(Self.restoration, [number, Int64(getpid()), now()])
    }

    /// Whether another owner is alive.
    func isAlive(_ other: Int64) throws -> Bool {
        try locks.isAlive(other, own: state.withLock { $0.held.first })
    }

    /// Stops restoring them, because the owner's row may be removed.
    func endConfirming() { state.withLock { $0.isConfirmed = false } }

    /// Releases the locks. For all other processes the owner is dead from now on.
    func leave() { state.withLock { $0.held = [] } }

    static let all: TaskStoreSQL = "SELECT number FROM ~owner"
    static let others: TaskStoreSQL = "SELECT number FROM ~owner WHERE number <> ?"
    static let process: TaskStoreSQL = "SELECT pid FROM ~owner WHERE number = ?"
    static let removal: TaskStoreSQL = "DELETE FROM ~owner WHERE number = ?"
    private static let any: TaskStoreSQL = "SELECT 1 FROM ~owner LIMIT 1"
    private static let existence: TaskStoreSQL = "SELECT 1 FROM ~owner WHERE number = ?"
    private static let insertion: TaskStoreSQL = "INSERT INTO ~owner (pid, started) VALUES (?, ?)"
    private static let restoration: TaskStoreSQL =
        "INSERT INTO ~owner (number, pid, started) VALUES (?, ?, ?)"
}

/// The lock file. Each of its bytes is the lock of an owner, of a queue's publisher, of a request's key, or of the opening of the
/// task store.
///
/// It is not the task store itself, because closing a descriptor of that would release the locks that SQLite has on it.
///
/// It contains the identities of the files that the living owners have open, and when it was last recreated while there were
/// owners.
struct OwnerLocks: Sendable {
    let path: String
    private let taskStore: String

    /// The byte that is locked while a process opens the task store.
    private static let opening: Int64 = 0
    /// The first byte of the queues' publishers. The bytes below are those of owners.
    private static let firstQueue: Int64 = 1 << 40
    /// The first byte of the keys of requests. The bytes between are those of queues.
    private static let firstKey: Int64 = 1 << 62
    /// How long owners have to take their locks in a recreated lock file. Each of them writes every second.
    private static let grace = Duration.seconds(5)
    /// The offset of the content's second line.
    private static let lossOffset = 128

    init(taskStore path: String) {
        taskStore = path
        self.path = path + "-owners"
    }

    /// Whether an owner is alive.
    ///
    /// - Parameter own: a lock of this process. If its file was removed, other owners may still have their locks in that file.
    func isAlive(_ owner: Int64, own: ByteLock? = nil) throws(SystemError) -> Bool {
        if try ByteLock.isHeld(bytes: owner..<owner + 1, of: path) { return true }
        if let own, try own.isHeldByOther(byte: owner) { return true }
        return isLost
    }

    /// Whether any owner with its lock in the file is alive.
    var hasLiving: Bool {
        get throws(SystemError) { try ByteLock.isHeld(bytes: Self.opening + 1..<Self.firstQueue, of: path) }
    }

    fileprivate func take(owner: Int64) throws(SystemError) -> ByteLock? {
        try ByteLock.take(byte: owner, of: path, like: taskStore)
    }

    /// - Returns: nil if another publisher has it.
    func takePublisher(ofQueue number: Int64) throws(SystemError) -> ByteLock? {
        try ByteLock.take(byte: Self.firstQueue + number, of: path, like: taskStore)
    }

    /// - Returns: nil if another request has it.
    func takeKey(_ number: Int64) throws(SystemError) -> ByteLock? {
        try ByteLock.take(byte: Self.firstKey + number, of: path, like: taskStore)
    }

    /// Takes the lock of the opening. Waits for other processes that open the task store.
    func takeOpening(within timeout: Duration) throws -> ByteLock {
        let end = MonotonicTime.now + timeout
        while true {
            if let lock = try ByteLock.take(byte: Self.opening, of: path, like: taskStore) { return lock }
            guard MonotonicTime.now < end else {
                throw DatabaseError(resultCode: .SQLITE_BUSY, message: "another process is opening it")
            }
            usleep(2_000)
        }
    }

    // MARK: The content

    /// The files that living owners have open; empty if none has noted them.
    var files: String {
        get throws(SystemError) { try line(at: 0) }
    }

    func note(files: String) throws(SystemError) {
        if try self.files != files { try write(files, at: 0) }
    }

    /// Notes that the file was recreated while owners may be alive.
    fileprivate func noteLoss() throws(SystemError) {
        try write("\(MonotonicTime.now.nanoseconds)", at: Self.lossOffset)
    }

    /// Whether living owners may not have taken their locks in the recreated file yet.
    private var isLost: Bool {
        guard let text = try? line(at: Self.lossOffset), let time = Int64(text) else { return false }
        let since = MonotonicTime.now - MonotonicTime(nanoseconds: time)
        return since >= .zero && since < Self.grace
    }

    private func line(at offset: Int) throws(SystemError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return "" }
            throw SystemError("open(\(path))")
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Self.lossOffset)
        let count = pread(descriptor, &bytes, bytes.count, off_t(offset))
        guard count >= 0 else { throw SystemError("read(\(path))") }
        return String(decoding: bytes.prefix(count).prefix { $0 != 0 && $0 != 0x0a }, as: UTF8.self)
    }

    private func write(_ text: String, at offset: Int) throws(SystemError) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open(\(path))") }
        defer { close(descriptor) }
        let bytes = Array((text + "\n").utf8)
        guard pwrite(descriptor, bytes, bytes.count, off_t(offset)) == bytes.count else {
            throw SystemError("write(\(path))")
        }
        guard fsync(descriptor) == 0 else { throw SystemError("fsync(\(path))") }
    }
}
