import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("Several processes", .timeLimit(.minutes(10)))
struct ProcessTests {
    @Test(
        "After kill -9, another process claims an owner's records, and only one does",
        arguments: StoreUnderTest.allCases)
    func killed(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (one, two) = (try fixture.open(), try fixture.open())
        let helper = try StoreProcess("hold", fixture)
        let ids = try #require(helper.line()).split(separator: " ").compactMap { RecordID(String($0)) }
        #expect(ids.count == 3)
        #expect(try one.claim().isEmpty && two.claim().isEmpty)
        helper.die()
        // The record that ran waits for a while, and the others for it.
        #expect(try one.claim().isEmpty)
        fixture.clock.advance(1)
        let claimed = try one.claim() + two.claim()
        #expect(claimed.map { $0.records.map(\.id) } == [ids])
        #expect(claimed.first?.records.map(\.attempts) == [1, 0, 0])
        #expect(try two.claim().isEmpty && one.claim().isEmpty)
        try one.close()
        try two.close()
    }

    @Test(
        "Processes that race for claims get each request once, and whole", arguments: StoreUnderTest.allCases)
    func race(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        // By the helpers' clock.
        let maker = try fixture.openNow()
        var expected: Set<String> = []
        for number in 0..<400 {
            let ids = try maker.append("\(number)", .make(), .make(), .make(), runsHere: false)
            expected.insert(ids.map(\.text).joined(separator: " "))
        }
        let helpers = try (0..<4).map { _ in try StoreProcess("claim", fixture) }
        for helper in helpers { #expect(helper.line() == "ready") }
        for helper in helpers { try helper.begin() }
        let lines = helpers.flatMap { $0.lines() }
        for helper in helpers { #expect(helper.finish() == 0) }
        #expect(lines.count == 400 && Set(lines) == expected)
        #expect(try maker.counts()[.done] == 1_200)
        #expect(try fixture.owners() == [maker.owner])
        try maker.close()
    }

    @Test("One process fires each time of a schedule", arguments: StoreUnderTest.allCases)
    func firings(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let helpers = try (0..<4).map { _ in try StoreProcess("fire", fixture, ["50"]) }
        for helper in helpers { #expect(helper.line() == "ready") }
        for helper in helpers { try helper.begin() }
        let lines = helpers.flatMap { $0.lines() }
        #expect(lines.sorted() == (0..<50).map { "fired \($0)" }.sorted())
        #expect(try taskStore.list(limit: 100).records.count == 50)
        try taskStore.close()
    }

    @Test(
        "After kill -9 during appends, again and again, all acknowledged records exist, and are claimed once",
        arguments: StoreUnderTest.allCases)
    func killedAtRandom(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.openNow()
        var acknowledged: Set<String> = []
        var claimed: [String] = []
        for _ in 0..<15 {
            let helper = try StoreProcess("flood", fixture)
            for _ in 0..<Int.random(in: 1...60) {
                guard let line = helper.line() else { break }
                acknowledged.formUnion(line.split(separator: " ").map(String.init))
            }
            helper.die()
            for line in helper.lines() { acknowledged.formUnion(line.split(separator: " ").map(String.init)) }
            while case let requests = try taskStore.claim(), !requests.isEmpty {
                claimed += requests.flatMap(\.records).map(\.id.text)
            }
        }
        // Records that ran follow a while later, one at a time.
        while try taskStore.nextDue() != nil {
            let requests = try taskStore.claim()
            claimed += requests.flatMap(\.records).map(\.id.text)
            if requests.isEmpty { usleep(10_000) }
        }
        var there: [String: RecordState] = [:]
        var after: Int64?
        repeat {
            let page = try taskStore.list(after: after, limit: 500)
            for record in page.records { there[record.id.text] = record.state }
            after = page.next
        } while after != nil
        #expect(acknowledged.count >= 30 && acknowledged.subtracting(there.keys).isEmpty)
        #expect(Set(claimed).count == claimed.count)
        let isOpen = there.filter { $0.value != .done }.keys
        #expect(Set(isOpen) == Set(claimed))
        print("killed: 15 times, \(acknowledged.count) records acknowledged, \(there.count) there")
        try taskStore.close()
    }

    @Test("Of processes that write at once, each gets its turn", arguments: StoreUnderTest.allCases)
    func crowd(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let helpers = try (0..<3).map { _ in try StoreProcess("crowd", fixture, ["8", "20"]) }
        for helper in helpers { #expect(helper.finish() == 0) }
        let taskStore = try fixture.openNow()
        #expect(try taskStore.counts()[.waiting] == 480)
        try taskStore.close()
    }
}
