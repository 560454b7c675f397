import Synchronization

/// Settings in memory, shared by every worker of the process.
///
/// It never holds settings that a write has replaced. A reader that misses gets a ticket *before* it reads
/// the database, and fills the cache with it afterwards. A writer that has committed invalidates the user's
/// tickets. So if a read and a write are concurrent, in any order, the cache keeps the new settings or none:
///
/// | reader | writer |
/// |---|---|
/// | misses, gets a ticket | |
/// | reads the old settings | |
/// | | commits the new ones, removes the user |
/// | fills: refused | |
///
/// Writers need no order among themselves, since they do not fill the cache.
final class SettingsCache: Sendable {
    enum Lookup: Sendable {
        case hit(SavedSettings)
        case miss(Ticket)
    }

    /// The right to fill the cache with a value that was read after the ticket was issued.
    struct Ticket: Sendable {
        fileprivate let user: Int
        fileprivate let change: UInt
    }

    /// Two halves instead of a list in the order of use: when `recent` is full it becomes `older`, and
    /// entries that were not read since then are dropped.
    private struct Contents {
        var recent: [Int: SavedSettings] = [:]
        var older: [Int: SavedSettings] = [:]
        /// How often users were removed. Users share a count, so that there is no count for every user that
        /// ever was; a ticket is then invalid more often than it has to be, which costs one more read of the
        /// database.
        var changes = [UInt](repeating: 0, count: 256)
    }

    private let half: Int
    private let contents = Mutex(Contents())

    /// - Parameter capacity: how many users' settings are kept at most, 2 or more.
    init(capacity: Int) { half = max(1, capacity / 2) }

    func find(_ user: Int) -> Lookup {
        contents.withLock { contents in
            if let saved = contents.recent[user] { return .hit(saved) }
            if let saved = contents.older.removeValue(forKey: user) {
                keep(saved, in: &contents)
                return .hit(saved)
            }
            return .miss(Ticket(user: user, change: contents.changes[slot(of: user)]))
        }
    }

    /// Keeps a value from the database, unless there was a write since the ticket was issued.
    func fill(_ saved: SavedSettings, with ticket: Ticket) {
        contents.withLock { contents in
            guard contents.changes[slot(of: ticket.user)] == ticket.change else { return }
            contents.older[ticket.user] = nil
            keep(saved, in: &contents)
        }
    }

    /// Removes a user's settings. To be called when they have changed.
    func forget(_ user: Int) {
        contents.withLock { contents in
            contents.changes[slot(of: user)] &+= 1
            contents.recent[user] = nil
            contents.older[user] = nil
        }
    }

    private func keep(_ saved: SavedSettings, in contents: inout Contents) {
        if contents.recent.count >= half, contents.recent[saved.userID] == nil {
            contents.older = contents.recent
            contents.recent = [:]
        }
        contents.recent[saved.userID] = saved
    }

    private func slot(of user: Int) -> Int { Int(UInt(bitPattern: user) % 256) }
}
