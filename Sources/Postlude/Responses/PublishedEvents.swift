internal import DequeModule
internal import PostludeFastCGI
internal import PostludeSystem

/// The events of a channel: those that it keeps, and who is told of new ones.
final class PublishedEvents: OutputSource {
    private struct Event {
        let records: StdoutRecords
        /// The id that the application has given it.
        var id: String?
    }

    private struct State {
        var kept = Deque<Event>()
        /// The number of the first event that is kept.
        var first = 1
        var byteCount = 0
        /// The application's id of the event before the first that is kept.
        var idBefore: String?
        var isFinished = false
        /// The last event with each id of the application's.
        var numbers: [String: Int] = [:]
        var listeners: [ObjectIdentifier: any OutputListener] = [:]

        /// The number of the last event; 0 before the first one.
        var last: Int { first + kept.count - 1 }

        /// The id that the application has given to an event.
        func id(of number: Int) -> String? {
            if number == first - 1 { return idBefore }
            let index = number - first
            return kept.indices.contains(index) ? kept[index].id : nil
        }
    }

    /// The largest number of bytes that `output` returns, unless one event is larger.
    private static let largestOutput = 64 << 10

    /// The part of the channel's own ids that no other channel has, of this process or another one.
    private let name = String(UInt64.random(in: 0 ... .max), radix: 36)
    private let eventLimit: Int
    private let byteLimit: Int
    private let state = Lock(State())

    init(keeping events: Int, bytes: Int) {
        eventLimit = max(1, events)
        byteLimit = max(1, bytes)
    }

    func publish(_ event: ServerSentEvent) {
        var bytes = event.bytes
        let listeners: [any OutputListener] = state.withLock { state in
            guard !state.isFinished else { return [] }
            let number = state.last + 1
            if let id = event.id {
                state.numbers[id] = number
            } else {
                bytes.insert(contentsOf: "id: \(id(of: number))\n".utf8, at: 0)
            }
            let records = StdoutRecords(bytes)
            state.kept.append(Event(records: records, id: event.id))
            state.byteCount += records.byteCount
            while state.kept.count > eventLimit || state.byteCount > byteLimit && state.kept.count > 1 {
                dropFirst(of: &state)
            }
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.outputChanged(of: self) }
    }

    private func dropFirst(of state: inout State) {
        guard let event = state.kept.popFirst() else { return }
        if let id = state.idBefore, state.numbers[id] == state.first - 1 { state.numbers[id] = nil }
        state.idBefore = event.id
        state.byteCount -= event.records.byteCount
        state.first += 1
    }

    /// Gives an id to the position at which the channel is.
    func begin(after id: String) {
        state.withLock { state in
            let last = state.last
            if state.kept.isEmpty {
                state.idBefore = id
            } else {
                state.kept[state.kept.count - 1].id = id
            }
            state.numbers[id] = last
        }
    }

    /// Ends the channel: each of its responses ends when it has sent everything.
    func finish() {
        let listeners: [any OutputListener] = state.withLock { state in
            state.isFinished = true
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.outputChanged(of: self) }
    }

    // MARK: Positions

    /// The number of the last event.
    var last: Int { state.withLock { $0.last } }

    /// The position before the first event that is kept.
    var start: Int { state.withLock { $0.first - 1 } }

    /// Whether the channel has ended, and nothing follows the position.
    func isOver(at position: Int) -> Bool { state.withLock { $0.isFinished && position >= $0.last } }

    /// Returns the position of a client that has got the event with this id last.
    ///
    /// - Returns: nil if the event, or one after it, is not kept, or the id is not of this channel.
    func position(of id: String) -> Int? {
        let own = id.split(separator: "-", omittingEmptySubsequences: false)
        let number = own.count == 2 && own[0] == name ? Int(own[1]) : nil
        return state.withLock { state in
            if let number { return (state.first - 1...state.last).contains(number) ? number : nil }
            return state.numbers[id]
        }
    }

    /// The position after the last event, and the application's id of that event.
    var end: (position: Int, id: String?) { state.withLock { ($0.last, $0.id(of: $0.last)) } }

    /// Returns the id with which a client that has got everything up to a position can continue; nil before the first event.
    func lastID(at position: Int) -> String? {
        if let id = state.withLock({ $0.id(of: position) }) { return id }
        return position > 0 ? id(of: position) : nil
    }

    /// The channel's own id of an event, which is also that of the position after it.
    func id(of number: Int) -> String { "\(name)-\(number)" }

    // MARK: Output

    func output(after position: Int) -> Output {
        state.withLock { state in
            guard position >= state.first - 1 else { return .lost }
            var pieces: [StdoutRecords] = []
            var byteCount = 0
            var index = position - (state.first - 1)
            while index < state.kept.count {
                let records = state.kept[index].records
                byteCount += records.byteCount
                guard byteCount <= Self.largestOutput || pieces.isEmpty else { break }
                pieces.append(records)
                index += 1
            }
            if pieces.isEmpty, state.isFinished { return .end }
            return .pieces(pieces, andMore: index < state.kept.count || state.isFinished)
        }
    }

    func add(_ listener: any OutputListener) {
        state.withLock { $0.listeners[ObjectIdentifier(listener)] = listener }
    }

    func remove(_ listener: any OutputListener) {
        _ = state.withLock { $0.listeners.removeValue(forKey: ObjectIdentifier(listener)) }
    }
}
