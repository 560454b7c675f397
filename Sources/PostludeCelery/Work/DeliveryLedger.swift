internal import PostludeBroker

/// The deliveries that a consumer has received and not settled. Used by one thread.
///
/// After a connection has ended, the broker delivers its unsettled messages again. The ledger recognizes those whose tasks
/// are running or have ended here, so that they do not run a second time.
struct DeliveryLedger {
    enum Settlement: Sendable {
        case acknowledge
        case reject(reason: String)
        case requeue
    }

    struct Entry {
        let taskID: String
        let name: String
        var delivery: Delivery.ID
        /// The number of the connection of the last delivery.
        var connection: Int
        /// The answer that the broker gets for the message; `nil` until the task has ended.
        var settlement: Settlement?
    }

    /// The largest number of ended tasks that are remembered for deliveries over another connection.
    private static let remembered = 1_000

    private(set) var entries: [Int: Entry] = [:]
    private var next = 0

    mutating func add(_ delivery: Delivery, over connection: Int) -> Int {
        next += 1
        entries[next] = Entry(
            taskID: delivery.task.id, name: delivery.task.name, delivery: delivery.id, connection: connection)
        return next
    }

    /// Finds the entry of a message that was delivered over an earlier connection, and updates it.
    ///
    /// - Returns: the entry's number; `nil` if the message is new here.
    mutating func recognize(_ delivery: Delivery, over connection: Int) -> Int? {
        guard delivery.isRedelivered else { return nil }
        let known = entries.first { $0.value.taskID == delivery.task.id && $0.value.connection < connection }
        guard let number = known?.key else { return nil }
        entries[number]?.delivery = delivery.id
        entries[number]?.connection = connection
        return number
    }

    mutating func settle(_ number: Int, _ settlement: Settlement) { entries[number]?.settlement = settlement }

    mutating func remove(_ number: Int) { entries[number] = nil }

    /// Returns the entries of a connection that can be settled with the broker now, in the order of their delivery.
    func settled(over connection: Int) -> [(number: Int, entry: Entry)] {
        entries.filter { $0.value.settlement != nil && $0.value.connection == connection }
            .sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Removes the entries to be requeued, because the broker has requeued them itself, and the oldest ended tasks. Called
    /// after the connection has ended.
    mutating func forget() {
        for (number, entry) in entries { if case .requeue = entry.settlement { entries[number] = nil } }
        let old = entries.filter { $0.value.settlement != nil }.keys.sorted()
        for number in old.dropLast(Self.remembered) { entries[number] = nil }
    }
}
