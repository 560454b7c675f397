internal import Foundation
internal import PostludeSystem
internal import PostludeTaskStore

extension StoreUnderTest {
    /// - Parameter inMemory: whether a file is in a file system in memory, because no machine loses its power.
    package func fixture(inMemory: Bool) throws -> any RecordStoreFixture {
        let folder = "/dev/shm"
        guard self == .sqliteFile, inMemory, access(folder, W_OK) == 0 else { return try fixture() }
        return try SQLiteFileFixture(in: folder)
    }
}

/// One random schedule, with a model of what the store must have.
package final class LimitSchedule {
    private enum State: Equatable {
        /// The store alone knows when it is due after a death.
        case waiting(due: Date?)
        case owned(by: Int)
        case over
    }

    private struct Item {
        let id: RecordID
        let name: String
        let key: String?
        var state: State
        var isFailed = false
    }

    private struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    /// What was done, a step a line.
    package private(set) var log: [String] = []
    private let fixture: any RecordStoreFixture
    private var random: SeededGenerator
    private let limits: [String: RecordLimit]
    private let names: [String]
    private var stores: [any RecordStore] = []
    private var dead: [any RecordStore] = []
    /// In the order in which they were added.
    private var items: [Item] = []
    private var indices: [RecordID: Int] = [:]
    private var begun: [RecordLimitKey: [Date]] = [:]
    private let deaths = ReportedDeaths()

    package init(seed: UInt64, on fixture: any RecordStoreFixture) throws {
        self.fixture = fixture
        var random = SeededGenerator(seed: seed)
        var limits: [String: RecordLimit] = [:]
        for number in 0..<Int.random(in: 1...3, using: &random) {
            let name = "kind-\(seed)-\(number)"
            let rate = RecordRate(
                count: Int.random(in: 1...5, using: &random),
                period: 1_000 * Int64.random(in: 1...20, using: &random))
            limits[name] = RecordLimit(
                name: name,
                running: Bool.random(using: &random) ? Int.random(in: 1...3, using: &random) : nil,
                rate: Bool.random(using: &random) ? rate : nil,
                member: Bool.random(using: &random) ? "customer" : nil,
                isStrict: Int.random(in: 0..<3, using: &random) == 0)
        }
        self.limits = limits
        names = limits.keys.sorted() + ["free-\(seed)"]
        self.random = random
        log = limits.values.map { "\($0)" }
        for _ in 0..<3 { stores.append(try open()) }
    }

    private func open() throws -> any RecordStore {
        let store = try fixture.open { [deaths] settings in
            settings.usesServerClock = false
            settings.died = { deaths.add($0) }
        }
        try store.setLimits(Array(limits.values), of: names)
        return store
    }

    private var now: Date { fixture.clock.now }
    private func random(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    /// Does random steps, and compares each with the model.
    package func run() throws {
        for _ in 0..<random(30...60) {
            switch random(0...99) {
            case 0..<25: try append()
            case 25..<55: try claim(from: random(0...2), random(1...4))
            case 55..<85: try end(nil)
            case 85..<93: advance(random(1...6))
            case 93..<96: try die(random(0...2))
            case 96..<97: try leave(random(0...2))
            default: try retry()
            }
        }
        try finish()
        for store in stores { try store.close() }
    }

    deinit {
        // Their threads and files are not needed any more. What they write is refused, or changes nothing.
        for store in dead { try? store.close() }
    }

    // MARK: Steps

    private func append() throws {
        var records: [NewRecord] = []
        for _ in 0..<random(1...3) {
            var record = NewRecord(name: names[random(0...names.count - 1)], payload: Data("{}".utf8))
            if let limit = limits[record.name] {
                record.limitKey = limit.member == nil ? "" : ["a", "b", "c"][random(0...2)]
            }
            record.priority = RecordPriority.allCases[random(0...2)]
            if random(0...4) == 0 { record.notBefore = now.addingTimeInterval(Double(random(1...10))) }
            records.append(record)
        }
        let store = random(0...2)
        let ids = try stores[store].append(NewRequest(id: "r", records: records)).map(\.id)
        for (record, id) in zip(records, ids) {
            let isOwned =
                record.notBefore == nil && (record.limitKey == nil || stores[store].ownsAtOnce(id))
            if isOwned, let key = record.limitKey {
                try begin(RecordLimitKey(name: record.name, key: key), id)
            }
            indices[id] = items.count
            items.append(
                Item(
                    id: id, name: record.name, key: record.limitKey,
                    state: isOwned ? .owned(by: store) : .waiting(due: record.notBefore ?? now)))
        }
        log.append("\(now.seconds) append \(ids.map { "\(indices[$0, default: -1])" })")
    }

    private func claim(from store: Int, _ room: Int) throws {
        let before = deaths.deaths.count
        let requests = try stores[store].claim(room, takingSuspect: true)
        for death in deaths.deaths[before...] where death.next == nil {
            guard let index = indices[death.record.id] else { continue }
            items[index].state = .over
            items[index].isFailed = true
        }
        let claimed = requests.flatMap(\.records)
        log.append(
            "\(now.seconds) claim by \(store), room \(room): \(claimed.map { indices[$0.id, default: -1] })")
        guard requests.count <= room else { throw Broken(description: "\(requests.count) claimed") }
        // The store has claimed them in this order.
        for record in claimed { try take(record, by: store) }
    }

    private func take(_ record: Record, by store: Int) throws {
        guard let index = indices[record.id] else { return }
        guard case .waiting(let due) = items[index].state else {
            throw Broken(description: "\(index) was claimed, and is \(items[index].state)")
        }
        if let due, due > now { throw Broken(description: "\(index) was claimed before it was due") }
        guard record.limitKey == items[index].key else {
            throw Broken(description: "\(index) has another key")
        }
        if let key = record.limitKey { try begin(RecordLimitKey(name: record.name, key: key), record.id) }
        items[index].state = .owned(by: store)
    }

    /// Compares a record that begins with what its limit promises.
    private func begin(_ key: RecordLimitKey, _ id: RecordID) throws {
        guard let limit = limits[key.name] else { return }
        let others = items.filter { $0.name == key.name && $0.key == key.key }
        let owned = others.count { if case .owned = $0.state { true } else { false } } + 1
        if let places = limit.places, owned > places {
            throw Broken(description: "\(owned) run of \(places): \(key)")
        }
        if limit.isStrict, let first = others.first(where: { $0.state != .over }), first.id != id {
            throw Broken(
                description:
                    "\(indices[id, default: items.count]) begins before \(indices[first.id, default: -1])")
        }
        begun[key, default: []].append(now)
        if let rate = limit.rate {
            let start = now.addingTimeInterval(-Double(rate.period) / 1000)
            let count = begun[key, default: []].count { $0 > start }
            if count > rate.count { throw Broken(description: "\(count) of \(rate.count) begun: \(key)") }
        }
    }

    /// - Parameter index: the item; nil for any that a process owns.
    private func end(_ index: Int?) throws {
        let owned = items.indices.filter { if case .owned = items[$0].state { true } else { false } }
        guard let index = index ?? owned.randomElement(using: &random),
            case .owned(let store) = items[index].state
        else { return }
        let id = items[index].id
        if random(0...9) > 0 { stores[store].started(id) }
        switch random(0...9) {
        case 0:
            let due = now.addingTimeInterval(Double(random(0...10)))
            stores[store].ended(id, .again(error: "e", at: due))
            items[index].state = .waiting(due: due)
            log.append("\(now.seconds) again \(index) at \(due.seconds)")
        case 1:
            stores[store].ended(id, .failed(error: "e"))
            items[index].state = .over
            items[index].isFailed = true
            log.append("\(now.seconds) fail \(index)")
        case 2:
            stores[store].ended(id, .released)
            items[index].state = .waiting(due: nil)
            log.append("\(now.seconds) release \(index)")
        default:
            stores[store].ended(id, .done(result: nil))
            items[index].state = .over
            log.append("\(now.seconds) done \(index)")
        }
        // Otherwise another process could not know it yet.
        try stores[store].flush()
    }

    private func advance(_ seconds: Int) {
        fixture.clock.advance(seconds)
        log.append("\(now.seconds)")
    }

    private func die(_ store: Int) throws {
        for index in items.indices where items[index].state == .owned(by: store) {
            if random(0...1) == 0 { stores[store].started(items[index].id) }
            items[index].state = .waiting(due: nil)
        }
        try stores[store].flush()
        fixture.die(stores[store])
        dead.append(stores[store])
        stores[store] = try open()
        log.append("\(now.seconds) death of \(store)")
    }

    private func leave(_ store: Int) throws {
        try stores[store].close()
        for index in items.indices where items[index].state == .owned(by: store) {
            items[index].state = .waiting(due: nil)
        }
        stores[store] = try open()
        log.append("\(now.seconds) end of \(store)")
    }

    private func retry() throws {
        guard let index = items.indices.filter({ items[$0].isFailed }).randomElement(using: &random) else {
            return
        }
        guard try stores[random(0...2)].retry([items[index].id]) == [.changed] else {
            throw Broken(description: "\(index) was not retried")
        }
        items[index].state = .waiting(due: now)
        items[index].isFailed = false
        log.append("\(now.seconds) retry \(index)")
    }

    // MARK: The end

    /// Runs all records, of which none may starve, and compares their number with that of the store.
    private func finish() throws {
        var rounds = 0
        while items.contains(where: { $0.state != .over }) {
            rounds += 1
            guard rounds < 2_000 else {
                let rest = items.indices.filter { items[$0].state != .over }
                throw Broken(description: "\(rest) starve")
            }
            for index in items.indices { if case .owned = items[index].state { try end(index) } }
            try claim(from: random(0...2), random(1...8))
            advance(random(1...3))
        }
        for (index, item) in items.enumerated() {
            let state = try stores[0].record(item.id)?.state
            guard state == (item.isFailed ? .failed : .done) else {
                throw Broken(description: "\(index) is \(state.map { "\($0)" } ?? "lost")")
            }
        }
    }
}

extension Date {
    /// The seconds since the beginning of a test's clock.
    fileprivate var seconds: Int { Int(timeIntervalSince1970) - 1_800_000_000 }
}
