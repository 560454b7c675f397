import Foundation
import PostludeRecordStoreFixtures
import PostludeSystem
import PostludeTaskStore
import Testing

/// Random schedules of several processes that share a store, whose every step is compared with what limits promise. `Tests/limits`
/// runs many more; a failure names the seed of its schedule.
@Suite("Random schedules of limited records", .timeLimit(.minutes(10)))
struct LimitScheduleTests {
    private static let counts: [StoreUnderTest: Int] = [
        .sqliteFile: 20, .sqliteDatabase: 8, .postgreSQL: 8,
    ]

    @Test(
        """
        No schedule of additions, claims, ends, deaths and retries exceeds a limit, breaks an order, or loses or starves a record
        """,
        arguments: StoreUnderTest.allCases)
    func schedules(store: StoreUnderTest) throws {
        let fixture = try store.fixture(inMemory: true)
        for _ in 0..<Self.counts[store, default: 0] {
            let seed = UInt64.random(in: 0..<1_000_000_000)
            let schedule = try LimitSchedule(seed: seed, on: fixture)
            do {
                try schedule.run()
            } catch {
                Issue.record(
                    "\(store.rawValue), seed \(seed): \(error)\n\(schedule.log.joined(separator: "\n"))")
                return
            }
        }
    }

    @Test(
        "Processes that append and claim at the same time do not exceed a limit, and run every record once",
        arguments: StoreUnderTest.allCases)
    func concurrency(store: StoreUnderTest) async throws {
        let fixture = try store.fixture()
        let limits = [
            RecordLimit(name: "many", running: 3, member: "customer"),
            RecordLimit(name: "strict", member: "customer", isStrict: true),
        ]
        let keys = ["a", "b"]
        let perKey = 40
        let counters = RunningCounters()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<4 {
                group.addTask {
                    try await onThread {
                        let taskStore = try fixture.kind.driver.open(
                            fixture.place, role: .process, settings: TaskStoreSettings())
                        try taskStore.setLimits(limits, of: limits.map(\.name))
                        for round in 0..<perKey / 4 {
                            for limit in limits {
                                for key in keys {
                                    var record = NewRecord(name: limit.name, payload: Data("{}".utf8))
                                    record.limitKey = key
                                    let id = try taskStore.append(
                                        "\(number)-\(round)", record, runsHere: round % 2 == 0)[0]
                                    guard taskStore.ownsAtOnce(id) else { continue }
                                    try counters.run(
                                        try #require(try taskStore.record(id)), limits, in: taskStore)
                                }
                            }
                        }
                        let end = MonotonicTime.now + .seconds(120)
                        while counters.ended < perKey * keys.count * limits.count, .now < end {
                            for request in try taskStore.claim(3, takingSuspect: true) {
                                for record in request.records {
                                    try counters.run(record, limits, in: taskStore)
                                }
                            }
                        }
                        try taskStore.close()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(counters.ended == perKey * keys.count * limits.count)
        #expect(counters.mistakes == [])
    }
}

/// What runs at the same time, as the processes of a test see it.
private final class RunningCounters: Sendable {
    private struct State {
        var running: [RecordLimitKey: Int] = [:]
        var last: [RecordLimitKey: Int64] = [:]
        var seen: Set<RecordID> = []
        var ended = 0
        var mistakes: [String] = []
    }
    private let state = Lock(State())

    var ended: Int { state.withLock { $0.ended } }
    var mistakes: [String] { state.withLock { $0.mistakes } }

    func run(_ record: Record, _ limits: [RecordLimit], in taskStore: any RecordStore) throws {
        try begin(record, limits)
        taskStore.started(record.id)
        usleep(useconds_t.random(in: 0..<500))
        end(record)
        taskStore.ended(record.id, .done(result: nil))
    }

    private func begin(_ record: Record, _ limits: [RecordLimit]) throws {
        let key = RecordLimitKey(name: record.name, key: try #require(record.limitKey))
        let limit = try #require(limits.first { $0.name == record.name })
        state.withLock { state in
            state.running[key, default: 0] += 1
            if let places = limit.places, state.running[key, default: 0] > places {
                state.mistakes.append("\(state.running[key, default: 0]) of \(places) run: \(key)")
            }
            if !state.seen.insert(record.id).inserted { state.mistakes.append("twice: \(record.id)") }
        }
    }

    private func end(_ record: Record) {
        state.withLock { state in
            state.running[RecordLimitKey(name: record.name, key: record.limitKey ?? ""), default: 0] -= 1
            state.ended += 1
        }
    }
}
