import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("Claims", .timeLimit(.minutes(10)))
struct ClaimTests {
    @Test(
        "A dead owner's requests are claimed once, whole, in order, and say what was running",
        arguments: StoreUnderTest.allCases)
    func recovery(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (dead, one, two) = (try fixture.open(), try fixture.open(), try fixture.open())
        let a = try dead.append("a", .make(), .make(), .make())
        let b = try dead.append("b", .make(), .make())
        dead.started(a[0])
        dead.ended(a[0], .done(result: nil))
        dead.started(a[1])
        try dead.flush()
        #expect(try one.claim().isEmpty)
        fixture.die(dead)
        #expect(try one.claimedIDs() == [b])
        // It waits for a while, and the records after it wait for it.
        fixture.clock.advance(1)
        let claimed = try one.claim()
        #expect(claimed.map(\.id) == ["a"])
        #expect(claimed.map { $0.records.map(\.id) } == [[a[1], a[2]]])
        #expect(claimed[0].records[0].attempts == 1)
        #expect(claimed[0].records[0].error?.hasPrefix("its process died: ") == true)
        #expect(claimed.flatMap(\.records).allSatisfy { $0.owner == one.owner && $0.state == .waiting })
        #expect(try two.claim().isEmpty && one.claim().isEmpty)
        let owners = try fixture.owners()
        #expect(owners == [one.owner, two.owner])
        try one.close()
        try two.close()
    }

    @Test(
        "Records that a process has not begun are released when it closes", arguments: StoreUnderTest.allCases
    )
    func leaving(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (one, two) = (try fixture.open(), try fixture.open())
        let ids = try one.append("r", .make(), .make())
        one.started(ids[0])
        try one.close()
        // The record that ran has ended with the process.
        #expect(try two.claimedIDs() == [ids])
        try two.close()
        let three = try fixture.open()
        #expect(try fixture.owners() == [three.owner])
        try three.close()
    }

    @Test(
        "Priorities come first, then due times, then the order of records", arguments: StoreUnderTest.allCases
    )
    func order(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (taskStore, maker) = (try fixture.open(), try fixture.open(role: .visitor))
        func add(_ name: String, _ priority: RecordPriority, after seconds: Double) throws {
            _ = try maker.append(
                name,
                .make {
                    $0.priority = priority
                    $0.notBefore = fixture.clock.now.addingTimeInterval(seconds)
                })
        }
        try add("low", .low, after: 1)
        try add("normal-3", .normal, after: 3)
        try add("normal-2", .normal, after: 2)
        try add("normal-2-too", .normal, after: 2)
        try add("high", .high, after: 4)
        try add("later", .high, after: 100)
        #expect(try taskStore.claim().isEmpty)
        #expect(try taskStore.nextDue() == fixture.clock.now.addingTimeInterval(1))
        fixture.clock.advance(10)
        #expect(try taskStore.claim(2).map(\.id) == ["high", "normal-2"])
        #expect(try taskStore.claim().map(\.id) == ["normal-2-too", "normal-3", "low"])
        fixture.clock.advance(90)
        #expect(try taskStore.claim().map(\.id) == ["later"])
        #expect(try taskStore.nextDue() == nil)
        try taskStore.close()
        try maker.close()
    }

    @Test(
        "The due records of a request are claimed; the rest at its own time",
        arguments: StoreUnderTest.allCases)
    func partly(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (taskStore, maker) = (try fixture.open(), try fixture.open(role: .visitor))
        let later = NewRecord.make { $0.notBefore = fixture.clock.now.addingTimeInterval(60) }
        let ids = try maker.append("r", .make(), later, .make())
        _ = try maker.append("other", .make())
        #expect(try taskStore.claimedIDs(1) == [[ids[0], ids[2]]])
        #expect(try taskStore.claim().map(\.id) == ["other"])
        fixture.clock.advance(60)
        #expect(try taskStore.claimedIDs() == [[ids[1]]])
        try taskStore.close()
        try maker.close()
    }

    @Test(
        "A retried record is free for any process at its time, and keeps the error",
        arguments: StoreUnderTest.allCases)
    func anotherAttempt(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (one, two) = (try fixture.open(), try fixture.open())
        let id = try one.append("r", .make())[0]
        one.started(id)
        one.ended(id, .again(error: "refused", at: fixture.clock.now.addingTimeInterval(30)))
        try one.flush()
        #expect(try two.claim().isEmpty && one.claim().isEmpty)
        fixture.clock.advance(30)
        let record = try #require(try two.claim().first?.records.first)
        #expect(record.id == id && record.attempts == 1 && record.error == "refused")
        two.started(id)
        two.ended(id, .done(result: nil))
        try two.flush()
        let done = try #require(try one.record(id))
        #expect(done.attempts == 2 && done.error == nil && done.state == .done && done.owner == nil)
        try one.close()
        try two.close()
    }

    @Test(
        "An expired record is ended and not claimed, even before it was due",
        arguments: StoreUnderTest.allCases)
    func expiry(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let now = fixture.clock.now
        let before = try taskStore.append(
            "before",
            .make {
                $0.notBefore = now.addingTimeInterval(100)
                $0.expires = now.addingTimeInterval(10)
            })[0]
        let ids = try taskStore.append(
            "r", .make { $0.expires = now.addingTimeInterval(10) },
            .make { $0.expires = now.addingTimeInterval(11) },
            runsHere: false)
        fixture.clock.advance(10)
        #expect(try taskStore.claimedIDs() == [[ids[1]]])
        for id in [before, ids[0]] {
            let record = try #require(try taskStore.record(id))
            #expect(record.state == .expired && record.ended == fixture.clock.now)
        }
        try taskStore.close()
    }

    @Test(
        "A dead owner's many records are released in batches, and no request is split",
        arguments: StoreUnderTest.allCases)
    func batches(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (dead, taskStore) = (try fixture.open(), try fixture.open())
        let sizes = [500, 40, 3, 700, 1]
        for size in sizes {
            _ = try dead.append(NewRequest(id: "\(size)", records: (0..<size).map { _ in .make() }))
        }
        fixture.die(dead)
        var claimed: [Int] = []
        var rounds = 0
        while claimed.count < sizes.count, rounds < 10 {
            for request in try taskStore.claim(1) {
                #expect(request.id == "\(request.records.count)")
                claimed.append(request.records.count)
            }
            rounds += 1
        }
        #expect(claimed == sizes)
        #expect(try taskStore.claim().isEmpty)
        #expect(try fixture.owners() == [taskStore.owner])
        try taskStore.close()
    }

    @Test(
        "Records that are left are free for any process, whether they had begun or not",
        arguments: StoreUnderTest.allCases)
    func left(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (one, two) = (try fixture.open(), try fixture.open())
        let ids = try one.append("r", .make(), .make())
        one.started(ids[0])
        one.ended(ids[0], .released)
        one.ended(ids[1], .released)
        try one.flush()
        #expect(try two.claimedIDs() == [ids])
        try one.close()
        try two.close()
    }

    @Test("Task stores that race for claims get each request once", arguments: StoreUnderTest.allCases)
    func race(store: StoreUnderTest) async throws {
        let fixture = try store.fixture()
        let maker = try fixture.open()
        for number in 0..<300 { _ = try maker.append("\(number)", .make(), .make(), runsHere: false) }
        // A task store that is released looks dead to the others: the test keeps them until all have ended.
        let taskStores = try (0..<4).map { _ in try fixture.open() }
        let claimed = try await withThrowingTaskGroup(of: [String].self) { group in
            for taskStore in taskStores {
                group.addTask {
                    try await onThread {
                        var claimed: [String] = []
                        while true {
                            let requests = try taskStore.claim(5)
                            if requests.isEmpty { return claimed }
                            claimed += requests.map(\.id)
                        }
                    }
                }
            }
            return try await group.reduce(into: [String]()) { $0 += $1 }
        }
        #expect(claimed.count == 300 && Set(claimed).count == 300)
        for taskStore in taskStores + [maker] { try taskStore.close() }
    }

    @Test("A visitor claims nothing", arguments: StoreUnderTest.allCases)
    func visitor(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let visitor = try fixture.open(role: .visitor)
        #expect(visitor.owner == nil)
        #expect(taskStoreError { _ = try visitor.claim() }?.code == .refused)
        try visitor.close()
        try taskStore.close()
    }
}
