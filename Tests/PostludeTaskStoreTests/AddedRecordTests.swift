import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

/// Records that are added outside of requests: separately, and by the end of another record.
@Suite("Added records", .timeLimit(.minutes(10)))
struct AddedRecordTests {
    @Test(
        "Separate records have no owner, and each is the only one of its request",
        arguments: StoreUnderTest.allCases)
    func separate(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let visitor = try fixture.open(role: .visitor)
        let holder = try taskStore.append("r", .make { $0.uniqueKey = "k" })[0]
        let request = NewRequest(
            id: "bulk", route: "/bulk",
            records: [
                .make { $0.priority = .low }, .make { $0.uniqueKey = "k" },
                .make { $0.uniqueKey = "new" }, .make { $0.uniqueKey = "new" },
                .make { $0.notBefore = fixture.clock.now.addingTimeInterval(60) }, .make { $0.queue = "q" },
            ])
        let results = try visitor.appendSeparately(request)
        #expect(results.map { $0.existing?.id } == [nil, holder, nil, results[2].id, nil, nil])
        #expect(try taskStore.record(results[5].id)?.state == .outgoing)
        #expect(try taskStore.claimedIDs() == [[results[2].id], [results[0].id]])
        let record = try #require(try taskStore.record(results[0].id))
        #expect(record.request == "bulk" && record.route == "/bulk" && record.position == 0)
        fixture.clock.advance(60)
        #expect(try taskStore.claimedIDs() == [[results[4].id]])
        #expect(try visitor.appendSeparately(NewRequest(id: "none", records: [])).isEmpty)
        let refused = NewRequest(id: "r", records: [.make(), .make("a\0b")])
        #expect(taskStoreError { _ = try visitor.appendSeparately(refused) }?.code == .refused)
        #expect(try taskStore.list(RecordFilter(name: "charge")).records.count == 5)
        try visitor.close()
        try taskStore.close()
    }

    @Test("10,000 separate records are one transaction", arguments: StoreUnderTest.allCases)
    func bulk(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let start = fixture.clock.now
        let request = NewRequest(
            id: "bulk",
            records: (0..<10_000).map { number in
                .make { $0.notBefore = start.addingTimeInterval(Double(number) / 10) }
            })
        let clock = ContinuousClock()
        let began = clock.now
        let ids = try taskStore.appendSeparately(request).map(\.id)
        print("10,000 records in \(store.rawValue): \(clock.now - began)")
        #expect(Set(ids).count == 10_000)
        #expect(try taskStore.counts()[.waiting] == 10_000)
        fixture.clock.advance(1)
        #expect(Set(try taskStore.claimedIDs().map(\.[0])) == Set(ids.prefix(11)))
        try taskStore.close()
    }

    @Test(
        "The records that another one adds exist exactly if that one is noted as done",
        arguments: StoreUnderTest.allCases)
    func children(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (taskStore, other) = (try fixture.open(), try fixture.open())
        let parents = try taskStore.append("r", .make("parent"), .make("parent"), .make("parent"))
        let children = (0..<3).map { _ in RecordID.make(at: 0) }
        func added(_ index: Int) -> NewRequest {
            NewRequest(
                id: "r", route: "/r",
                records: [
                    .make("child") { $0.id = children[index] },
                    .make("child") { $0.uniqueKey = "only" },
                ])
        }
        taskStore.started(parents[0])
        taskStore.ended(parents[0], .done(result: Data("7".utf8), adding: added(0)))
        #expect(try taskStore.state(of: parents[0]) == .done)
        let parent = try #require(try taskStore.record(parents[0]))
        #expect(parent.attempts == 1 && parent.result == Data("7".utf8) && parent.owner == nil)
        #expect(try taskStore.record(children[0])?.request == "r")
        #expect(try taskStore.record(children[0])?.owner == nil)
        #expect(try taskStore.list(RecordFilter(name: "child")).records.count == 2)
        // One that has failed, or that is over already, adds none.
        taskStore.started(parents[1])
        taskStore.ended(parents[1], .failed(error: "no"))
        taskStore.ended(parents[1], .done(result: nil, adding: added(1)))
        #expect(try taskStore.state(of: parents[1]) == .failed)
        #expect(try taskStore.record(children[1]) == nil)
        // The unique key is taken.
        taskStore.started(parents[2])
        taskStore.ended(parents[2], .done(result: nil, adding: added(2)))
        #expect(try taskStore.state(of: parents[2]) == .done)
        #expect(try taskStore.list(RecordFilter(name: "child")).records.count == 3)
        #expect(try other.claimedIDs().count == 3, "any process claims them, each by itself")
        for taskStore in [taskStore, other] { try taskStore.close() }
    }

    @Test(
        "Records that another one adds are lost with its process, and it runs again",
        arguments: StoreUnderTest.allCases)
    func death(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (taskStore, other) = (try fixture.open(), try fixture.open())
        let parent = try taskStore.append("r", .make("parent"))[0]
        taskStore.started(parent)
        try taskStore.flush()
        fixture.die(taskStore)
        #expect(try other.claim().isEmpty, "it is a suspect")
        fixture.clock.advance(10)
        #expect(try other.claimedIDs() == [[parent]])
        let child = NewRecord.make("child") { $0.id = .make(at: 0) }
        other.started(parent)
        other.ended(parent, .done(result: nil, adding: NewRequest(id: "r", records: [child])))
        #expect(try other.claimedIDs() == [[try #require(child.id)]])
        try other.close()
    }
}
