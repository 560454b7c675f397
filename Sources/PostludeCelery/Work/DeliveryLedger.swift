internal import PostludeBroker

/// What a consumer has been given and not settled. Used by one thread.
///
/// A connection that ends takes its deliveries with it: the broker gives them again. What runs here meanwhile is not
/// begun a second time, and what is done is not done again.
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
        /// The connection over which it came.
        var connection: Int
        /// nil while it runs.
        var settlement: Settlement?
    }

    /// What is done, and may come once more over another connection.
    private static let remembered = 1_000

    private(set) var entries: [Int: Entry] = [:]
    private var next = 0

    mutating func add(_ delivery: Delivery, over connection: Int) -> Int {
        next += 1
        entries[next] = Entry(
            taskID: delivery.task.id, name: delivery.task.name, delivery: delivery.id, connection: connection)
        return next
    }

    /// Something was given that came over an earlier connection.
    ///
    /// - Returns: its number; nil if it is new here.
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

    /// Those of a connection that can be told to the broker now, in the order in which they came.
    func settled(over connection: Int) -> [(number: Int, entry: Entry)] {
        entries.filter { $0.value.settlement != nil && $0.value.connection == connection }
            .sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The connections so far have ended. What was to be given back is, and of what is done the oldest is forgotten.
    mutating func forget() {
        for (number, entry) in entries { if case .requeue = entry.settlement { entries[number] = nil } }
        let old = entries.filter { $0.value.settlement != nil }.keys.sorted()
        for number in old.dropLast(Self.remembered) { entries[number] = nil }
    }
}
