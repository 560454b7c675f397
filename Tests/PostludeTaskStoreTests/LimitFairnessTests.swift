import Foundation
import PostludeRecordStoreFixtures
import PostludeSystem
import PostludeTaskStore
import Testing

/// How long the records of one customer wait, in a test's own time: the machine's speed does not matter. `Tests/limits` measures real
/// processes.
@Suite("Fairness between the keys of a limit", .timeLimit(.minutes(10)))
struct LimitFairnessTests {
    private static let counts: [StoreUnderTest: Int] = [
        .sqliteFile: 20_000, .sqliteDatabase: 5_000, .postgreSQL: 5_000,
    ]
    /// Of the records of a customer, of whom this many run at once.
    private static let limit = RecordLimit(name: "charge", running: 2, member: "customer")
    /// How long a record runs, and how often the customer adds one on average, in seconds.
    private static let (service, interval) = (3, 2)
    /// The workers of both processes: enough for two customers, and for no more.
    private static let workers = 4
    private static let measured = 200

    @Test(
        "Many records of one customer move the waits of another one by less than a tenth",
        arguments: StoreUnderTest.allCases)
    func waits(store: StoreUnderTest) throws {
        let alone = try waits(in: store, beside: 0)
        let beside = try waits(in: store, beside: Self.counts[store, default: 0])
        #expect(alone.p99 > 0, "some records have waited for a place")
        #expect(beside.mean <= alone.mean * 1.1 && beside.p99 <= alone.p99 * 1.1, "\(alone), \(beside)")
    }

    private func waits(
        in store: StoreUnderTest, beside others: Int
    ) throws -> (mean: Double, p99: Double) {
        let fixture = try store.fixture(inMemory: true)
        let stores = [try fixture.open(limits: [Self.limit]), try fixture.open(limits: [Self.limit])]
        let maker = try fixture.open(role: .visitor)
        for start in stride(from: 0, to: others, by: 1_000) {
            let records = (start..<min(others, start + 1_000)).map { _ in NewRecord.limited("a") }
            _ = try maker.append(NewRequest(id: "a", records: records))
        }
        var random = SeededGenerator(seed: 7)
        var added: [RecordID: Date] = [:]
        var running: [(store: Int, id: RecordID, end: Date)] = []
        var waits: [Double] = []
        while waits.count < Self.measured {
            if Int.random(in: 0..<Self.interval, using: &random) == 0 {
                added[try maker.append("b", .limited("b"))[0]] = fixture.clock.now
            }
            for (store, id, _) in running.filter({ $0.end <= fixture.clock.now }) {
                stores[store].ended(id, .done(result: nil))
                try stores[store].flush()
            }
            running.removeAll { $0.end <= fixture.clock.now }
            for store in stores.indices {
                let room = Self.workers / 2 - running.count { $0.store == store }
                for record in try stores[store].claim(room, takingSuspect: true).flatMap(\.records) {
                    running.append(
                        (store, record.id, fixture.clock.now.addingTimeInterval(Double(Self.service))))
                    if let time = added.removeValue(forKey: record.id) {
                        waits.append(fixture.clock.now.timeIntervalSince(time))
                    }
                }
            }
            fixture.clock.advance(1)
        }
        try maker.close()
        for store in stores { try store.close() }
        waits.sort()
        return (waits.reduce(0, +) / Double(waits.count), waits[waits.count * 99 / 100])
    }
}
