import Glibc
import PostludeSystem
import Synchronization

/// The connections of a process, found by token without a lock.
///
/// A token consists of a slot and its generation: an event that the kernel has reported for a connection that is closed
/// by now finds nothing, even if its slot or its descriptor's number is in use again.
// Unchecked: `slots` never moves; a slot's connection is touched only by the thread that brought its state to `.held`.
final class ConnectionTable: @unchecked Sendable {
    /// The thread that may touch a connection.
    private enum State: UInt64 {
        /// A worker, or the control thread.
        case held
        /// The same, and an event has come since: the holder must read again before it arms the connection.
        case fired
        /// The poller, until the next event or the control thread claims the connection.
        case armed
    }

    private struct Slot: ~Copyable {
        /// Generation and state in one word, so that they change together.
        let word = Atomic<UInt64>(0)
        /// The connection's deadline in nanoseconds, for the control thread, which reads slots that it does not hold.
        let deadline = Atomic<Int64>(.max)
        /// The connection's descriptor, for the same reason.
        let descriptor = Atomic<Int32>(-1)
        var connection: Connection?
    }

    private static let stateBits: UInt64 = 2
    private let slots: UnsafeMutablePointer<Slot>
    private let capacity: Int
    /// The number of slots that have ever been used. The others are not initialized, so that they take no memory: each slot has
    /// 32 bytes.
    private let used = Atomic<Int>(0)
    /// The slots among them that have no connection.
    private let free = Lock<[Int]>([])
    private let connections = Atomic<Int>(0)

    init(capacity: Int = 1 << 16) {
        self.capacity = capacity
        slots = .allocate(capacity: capacity)
    }

    deinit {
        slots.deinitialize(count: used.load(ordering: .acquiring))
        slots.deallocate()
    }

    /// The number of connections, including those that are expected.
    var count: Int { connections.load(ordering: .acquiring) }

    /// Counts a connection that the caller may be about to accept, so that no thread concludes that none is left before
    /// it is in the table.
    func expectOne() { connections.add(1, ordering: .sequentiallyConsistent) }

    /// Ends `expectOne`: the connection is in the table, or there was none.
    func expectOneLess() { connections.subtract(1, ordering: .sequentiallyConsistent) }

    /// Inserts a connection, and gives it a token; the caller holds it.
    ///
    /// - Returns: false if the table is full.
    func insert(_ connection: Connection) -> Bool {
        guard let index = free.withLock({ $0.popLast() ?? initializeSlot() }) else { return false }
        slots[index].connection = connection
        let generation = slots[index].word.load(ordering: .relaxed) >> Self.stateBits
        // 32 bits each: a token is repeated only after four thousand million connections in the same slot.
        connection.token = (generation & 0xffff_ffff) << 32 | UInt64(index)
        slots[index].descriptor.store(connection.descriptor, ordering: .relaxed)
        connections.add(1, ordering: .acquiringAndReleasing)
        return true
    }

    /// Initializes one more slot. The caller holds the lock of `free`.
    ///
    /// - Returns: nil if all slots are in use.
    private func initializeSlot() -> Int? {
        let index = used.load(ordering: .relaxed)
        guard index < capacity else { return nil }
        (slots + index).initialize(to: Slot())
        // Released, so that a thread that finds the index below `used` finds the slot initialized.
        used.store(index + 1, ordering: .releasing)
        return index
    }

    /// Gives the connection of an event to the caller.
    ///
    /// - Returns: nil if a thread already holds the connection, or if it is closed.
    func claim(_ token: UInt64) -> Connection? {
        guard let index = index(of: token) else { return nil }
        while true {
            if transition(token, from: .armed, to: .held) { return slots[index].connection }
            // The holder, if the connection still exists, sees the event in `arm`.
            if transition(token, from: .held, to: .fired) || !isState(token, .armed) { return nil }
        }
    }

    /// Gives a connection back that the caller holds.
    ///
    /// - Returns: false if an event has come in the meantime, or if the connection is not in this table: the caller still
    ///   holds the connection, and must read from it.
    func arm(_ connection: Connection) -> Bool {
        guard let index = index(of: connection.token) else { return false }
        slots[index].deadline.store(connection.deadline?.nanoseconds ?? .max, ordering: .relaxed)
        if transition(connection.token, from: .held, to: .armed) { return true }
        return !transition(connection.token, from: .fired, to: .held)
    }

    /// Removes a connection that the caller holds.
    func remove(_ connection: Connection) {
        guard let index = index(of: connection.token) else { return }
        slots[index].connection = nil
        slots[index].word.store(word(connection.token &+ (1 << 32), .held), ordering: .releasing)
        free.withLock { $0.append(index) }
        connections.subtract(1, ordering: .acquiringAndReleasing)
    }

    /// Claims the armed connections whose deadline has passed; the caller holds them.
    func claimOverdue(at now: MonotonicTime) -> [Connection] {
        claimArmed { $0.deadline.load(ordering: .relaxed) <= now.nanoseconds }
    }

    /// Claims all armed connections; the caller holds them.
    func claimArmed() -> [Connection] { claimArmed { _ in true } }

    /// Claims the armed connections that can be read, or have ended, according to the kernel; the caller holds them.
    func claimReadable() -> [Connection] {
        var tokens: [UInt64] = []
        var polled: [pollfd] = []
        for index in 0..<used.load(ordering: .acquiring) {
            let word = slots[index].word.load(ordering: .acquiring)
            guard word & (1 << Self.stateBits - 1) == State.armed.rawValue else { continue }
            tokens.append((word >> Self.stateBits & 0xffff_ffff) << 32 | UInt64(index))
            let descriptor = slots[index].descriptor.load(ordering: .relaxed)
            polled.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
        }
        guard !polled.isEmpty, poll(&polled, nfds_t(polled.count), 0) > 0 else { return [] }
        return zip(tokens, polled).compactMap { token, result in
            // A slot that has been reused has another token.
            guard result.revents != 0, transition(token, from: .armed, to: .held) else { return nil }
            return index(of: token).flatMap { slots[$0].connection }
        }
    }

    private func claimArmed(where isWanted: (borrowing Slot) -> Bool) -> [Connection] {
        var claimed: [Connection] = []
        for index in 0..<used.load(ordering: .acquiring) where isWanted(slots[index]) {
            let word = slots[index].word.load(ordering: .relaxed)
            let token = (word >> Self.stateBits & 0xffff_ffff) << 32 | UInt64(index)
            if transition(token, from: .armed, to: .held), let connection = slots[index].connection {
                claimed.append(connection)
            }
        }
        return claimed
    }

    private func index(of token: UInt64) -> Int? {
        let index = Int(token & 0xffff_ffff)
        return index < used.load(ordering: .acquiring) ? index : nil
    }

    private func word(_ token: UInt64, _ state: State) -> UInt64 {
        (token >> 32) << Self.stateBits | state.rawValue
    }

    private func isState(_ token: UInt64, _ state: State) -> Bool {
        index(of: token).map { slots[$0].word.load(ordering: .sequentiallyConsistent) } == word(token, state)
    }

    private func transition(_ token: UInt64, from old: State, to new: State) -> Bool {
        guard let index = index(of: token) else { return false }
        return slots[index].word.compareExchange(
            expected: word(token, old), desired: word(token, new), ordering: .sequentiallyConsistent
        ).exchanged
    }
}
