import Synchronization

/// Settings in memory, shared by every worker of the process.
///
/// It never holds what a write has replaced. A reader that misses gets a ticket *before* it reads the
/// database, and fills the cache with it afterwards; a writer that has committed makes the user's tickets
/// worthless. So of a read and a write at the same time, whichever comes first, the cache keeps the new
/// settings or none:
///
/// | reader | writer |
/// |---|---|
/// | misses, gets a ticket | |
/// | reads the old settings | |
/// | | commits the new ones, forgets the user |
/// | fills: refused | |
///
/// Writers need no order among themselves: they fill nothing.
final class SettingsCache: Sendable {
    enum Lookup: Sendable {
        case hit(SavedSettings)
        case miss(Ticket)
    }

    /// The right to fill the cache with what was read after the ticket was given.
    struct Ticket: Sendable {
        fileprivate let user: Int
        fileprivate let change: UInt
    }

    /// Two halves instead of a list in the order of use: when `recent` is full it becomes `older`, and what
    /// nobody has read since then goes.
    private struct Contents {
        var recent: [Int: SavedSettings] = [:]
        var older: [Int: SavedSettings] = [:]
        /// How often users were forgotten. Users share a count, so that there is no count for every user that
        /// ever was; a ticket is then worthless more often than it has to be, which costs one more read of
        /// the database.
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

    /// Keeps what was read from the database, unless there was a write since the ticket was given.
    func fill(_ saved: SavedSettings, with ticket: Ticket) {
        contents.withLock { contents in
            guard contents.changes[slot(of: ticket.user)] == ticket.change else { return }
            contents.older[ticket.user] = nil
            keep(saved, in: &contents)
        }
    }

    /// To be called when a user's settings have changed.
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
