import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("Retry and discard", .timeLimit(.minutes(10)))
struct RecordActionTests {
    @Test("A dead letter runs again with all its attempts", arguments: StoreUnderTest.allCases)
    func retry(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let id = try taskStore.append("r", .make())[0]
        taskStore.started(id)
        taskStore.ended(id, .failed(error: "no"))
        #expect(try taskStore.state(of: id) == .failed)
        fixture.clock.advance(5)
        #expect(try taskStore.retry([id, .make(at: 0)]) == [.changed, .unknown])
        let record = try #require(try taskStore.claim().first?.records.first)
        #expect(record.id == id && record.attempts == 0 && record.error == "no" && record.ended == nil)
        #expect(record.due == fixture.clock.now)
        try taskStore.close()
    }

    @Test(
        "A delayed record runs at once; a running one is left alone, unless its process is dead",
        arguments: StoreUnderTest.allCases)
    func retryWaiting(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (taskStore, dead) = (try fixture.open(), try fixture.open())
        let later = try taskStore.append(
            "r", .make { $0.notBefore = fixture.clock.now.addingTimeInterval(99) })[
                0]
        let held = try dead.append("r", .make(), .make())
        dead.started(held[0])
        try dead.flush()
        #expect(
            try taskStore.retry([later] + held) == [
                .changed, .refused("it is running"), .refused("a process is about to run it"),
            ])
        #expect(try taskStore.claimedIDs() == [[later]])
        fixture.die(dead)
        #expect(try taskStore.retry(held) == [.changed, .changed])
        #expect(try taskStore.claimedIDs() == [held])
        try taskStore.close()
    }

    @Test(
        "A retry does not break a unique key, and a past expiry does not count",
        arguments: StoreUnderTest.allCases)
    func retryKey(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let keyed = NewRecord.make {
            $0.uniqueKey = "k"
            $0.expires = fixture.clock.now.addingTimeInterval(1)
        }
        let first = try taskStore.append("1", keyed, runsHere: false)[0]
        fixture.clock.advance(2)
        #expect(try taskStore.claim().isEmpty && taskStore.record(first)?.state == .expired)
        let second = try taskStore.append("2", .make { $0.uniqueKey = "k" })[0]
        #expect(
            try taskStore.retry([first]) == [.refused("\(second), with the same unique key, is not over")])
        taskStore.ended(second, .done(result: nil))
        try taskStore.flush()
        #expect(try taskStore.retry([first]) == [.changed])
        #expect(try taskStore.claimedIDs() == [[first]])
        try taskStore.close()
    }

    @Test(
        "A record that no process owns is discarded; one that runs or is over is not",
        arguments: StoreUnderTest.allCases)
    func discard(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let free = try taskStore.append("r", .make(), runsHere: false)[0]
        let dead = try taskStore.append("r", .make())[0]
        taskStore.ended(dead, .failed(error: "no"))
        let outgoing = try taskStore.append("r", .make { $0.queue = "q" })[0]
        let done = try taskStore.append("r", .make())[0]
        taskStore.ended(done, .done(result: nil))
        let owned = try taskStore.append("r", .make())[0]
        let results = try taskStore.discard([free, dead, outgoing, done, owned])
        #expect(
            results == [
                .changed, .changed, .changed, .refused("it is done"),
                .refused("a process is about to run it"),
            ])
        #expect(
            try [free, dead, outgoing].map { try taskStore.record($0)?.state } == [
                .discarded, .discarded, .discarded,
            ])
        #expect(try taskStore.record(dead)?.error == "no")
        #expect(try taskStore.claim().isEmpty)
        try taskStore.close()
    }

    @Test("A record that is over does not change by late results", arguments: StoreUnderTest.allCases)
    func late(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let id = try taskStore.append("r", .make(), runsHere: false)[0]
        #expect(try taskStore.discard([id]) == [.changed])
        taskStore.started(id)
        for end in [
            RecordEnd.done(result: nil), .again(error: "e", at: fixture.clock.now), .failed(error: "e"),
            .released,
        ] {
            taskStore.ended(id, end)
        }
        #expect(try taskStore.state(of: id) == .discarded)
        try taskStore.close()
    }
}
