/// The connections of a process, found by token.
///
/// A token is a slot and its generation: an event that the kernel reported for a connection which is gone by now
/// finds nothing, even when its slot, or its descriptor's number, is in use again.
struct ConnectionTable {
    private struct Slot {
        var connection: Connection?
        var generation: UInt32 = 0
        /// The poller owns the connection; otherwise a worker does.
        var isArmed = false
    }

    private var slots: [Slot] = []
    private var free: [Int] = []
    private(set) var count = 0

    mutating func insert(_ connection: Connection) {
        let index = free.popLast() ?? slots.count
        if index == slots.count { slots.append(Slot()) }
        slots[index].connection = connection
        connection.token = UInt64(slots[index].generation) << 32 | UInt64(index)
        count += 1
    }

    /// Gives an armed connection to the caller; nil when somebody else was quicker.
    mutating func claim(_ token: UInt64) -> Connection? {
        guard let index = index(of: token), slots[index].isArmed else { return nil }
        slots[index].isArmed = false
        return slots[index].connection
    }

    mutating func arm(_ connection: Connection) {
        guard let index = index(of: connection.token) else { return }
        slots[index].isArmed = true
    }

    mutating func remove(_ connection: Connection) {
        guard let index = index(of: connection.token) else { return }
        slots[index] = Slot(generation: slots[index].generation &+ 1)
        free.append(index)
        count -= 1
    }

    /// Takes out the armed connections for which `isOver` holds.
    mutating func removeArmed(where isOver: (Connection) -> Bool) -> [Connection] {
        let over = armed.filter(isOver)
        for connection in over { remove(connection) }
        return over
    }

    /// The connections that the poller owns.
    var armed: some Sequence<Connection> {
        slots.lazy.compactMap { $0.isArmed ? $0.connection : nil }
    }

    private func index(of token: UInt64) -> Int? {
        let index = Int(token & 0xffff_ffff)
        guard slots.indices.contains(index), slots[index].generation == UInt32(token >> 32) else {
            return nil
        }
        return index
    }
}
