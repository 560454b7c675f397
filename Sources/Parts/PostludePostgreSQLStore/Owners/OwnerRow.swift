internal import PostludeSystem
internal import PostludeTaskStore

/// A row of the table of owners.
struct OwnerRow: Sendable {
    let number: Int64
    let process: ProcessIdentity
    let host: String
    let machine: String
    /// Whether it was told to stop.
    let isStopping: Bool
    /// Whether another process has declared it dead.
    let isDead: Bool
    /// Whether one of its sessions holds its lock.
    let isHeld: Bool

    var isHere: Bool { machine == ProcessIdentity.machine }
    /// Whether its process was on this machine, and has ended.
    var isGone: Bool { isHere && process.isGone }

    private static let columns = "number, pid, process_start, host, machine, is_stopping, is_dead"

    /// Selects the other owners. `pg_locks` is not read.
    static let others = "SELECT \(columns), true FROM postlude.owner WHERE number <> $1"

    /// Selects the other owners, and whether their locks are held.
    static let othersWithLocks = """
        SELECT \(columns), number IN (
            SELECT l.objid::bigint FROM pg_locks l
            WHERE l.locktype = 'advisory' AND l.classid = \(StoreSchema.LockClass.owner) AND l.objsubid = 2 AND l.granted
                AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
        FROM postlude.owner WHERE number <> $1
        """

    static func all(_ rows: Rows) throws(PostgreSQLError) -> [OwnerRow] {
        var all: [OwnerRow] = []
        for row in 0..<rows.count {
            all.append(
                OwnerRow(
                    number: try rows.integer(row, 0),
                    process: ProcessIdentity(pid: try rows.integer(row, 1), start: try rows.integer(row, 2)),
                    host: try rows.text(row, 3), machine: try rows.text(row, 4),
                    isStopping: try rows.boolean(row, 5), isDead: try rows.boolean(row, 6),
                    isHeld: try rows.boolean(row, 7)))
        }
        return all
    }
}

/// The owners whose locks are free, and since when. A process whose connection was lost takes its lock again as soon as it has
/// a new one; so a free lock alone does not mean that it is dead.
struct FreeLocks: Sendable {
    /// How long a lock must be free. The server has noticed the loss of a machine by then.
    static let patience = Duration.milliseconds(800)
    /// How long this process must have been connected itself: after a restart of the server all processes come back.
    static let settling = Duration.seconds(3)

    private var since: [Int64: MonotonicTime] = [:]
    /// Since when this process is connected; nil if it is not.
    var connected: MonotonicTime?

    var isEmpty: Bool { since.isEmpty }

    mutating func note(_ owners: [OwnerRow], at now: MonotonicTime) {
        var next: [Int64: MonotonicTime] = [:]
        for owner in owners where !owner.isHeld { next[owner.number] = since[owner.number] ?? now }
        since = next
    }

    mutating func forget() {
        since = [:]
        connected = nil
    }

    /// Whether an owner is dead, as far as its lock and its process tell. An owner that has been declared dead stays dead.
    func isDead(_ owner: OwnerRow, at now: MonotonicTime) -> Bool {
        if owner.isDead { return true }
        if owner.isHeld { return false }
        if owner.isGone { return true }
        guard let connected, now - connected >= Self.settling, let free = since[owner.number] else {
            return false
        }
        return now - free >= Self.patience
    }
}
