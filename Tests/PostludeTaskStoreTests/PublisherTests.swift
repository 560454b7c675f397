import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("Outbox", .timeLimit(.minutes(10)))
struct PublisherTests {
    private func outgoing(_ name: String, _ queue: String) -> NewRecord { .make(name) { $0.queue = queue } }

    @Test("Records leave in order for each queue, and are not claimed", arguments: StoreUnderTest.allCases)
    func order(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        for number in 0..<3 {
            _ = try taskStore.append("\(number)", outgoing("a\(number)", "a"), outgoing("b\(number)", "b"))
        }
        #expect(try taskStore.claim().isEmpty)
        #expect(try taskStore.outgoingQueues() == ["a", "b"])
        let publisher = try #require(try taskStore.publisher(of: "a"))
        #expect(try publisher.next(2).map(\.name) == ["a0", "a1"])
        for record in try publisher.next(2) { publisher.published(record.id) }
        #expect(try publisher.next().map(\.name) == ["a2"])
        for record in try publisher.next() {
            #expect(record.queue == "a")
            publisher.published(record.id)
        }
        #expect(try publisher.next().isEmpty && publisher.nextDue() == nil)
        #expect(try taskStore.outgoingQueues() == ["b"])
        #expect(try taskStore.counts()[.published] == 3)
        try taskStore.close()
    }

    @Test(
        "While the broker is in back-off, no record of the queue is returned, and none overtakes",
        arguments: StoreUnderTest.allCases)
    func backoff(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let ids = try taskStore.append("r", outgoing("1", "q"), outgoing("2", "q"), outgoing("other", "o"))
        let publisher = try #require(try taskStore.publisher(of: "q"))
        publisher.failed(ids[0], error: "connection refused", next: fixture.clock.now.addingTimeInterval(10))
        #expect(try publisher.next().isEmpty)
        #expect(try publisher.nextDue() == fixture.clock.now.addingTimeInterval(10))
        #expect(try #require(try taskStore.publisher(of: "o")).next().count == 1)
        fixture.clock.advance(10)
        let records = try publisher.next()
        #expect(records.map(\.id) == Array(ids[0...1]))
        #expect(records[0].attempts == 1 && records[0].error == "connection refused")
        // For good: the next record is not delayed.
        taskStore.ended(ids[0], .failed(error: "no such queue"))
        #expect(try publisher.next().map(\.id) == [ids[1]])
        #expect(try taskStore.state(of: ids[0]) == .failed)
        #expect(try taskStore.retry([ids[0]]) == [.changed])
        #expect(try publisher.next().map(\.id) == Array(ids[0...1]))
        try taskStore.close()
    }

    @Test("A queue has one publisher, in this process and in others", arguments: StoreUnderTest.allCases)
    func onePublisher(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (one, two) = (try fixture.open(), try fixture.open())
        _ = try one.append("r", outgoing("1", "a"), outgoing("2", "b"))
        var publisher = try one.publisher(of: "a")
        #expect(publisher != nil)
        #expect(try one.publisher(of: "a") == nil && two.publisher(of: "a") == nil)
        #expect(try two.publisher(of: "b") != nil)
        #expect(try one.publisher(of: "never used") == nil)
        publisher = nil
        #expect(try two.publisher(of: "a") != nil)
        try one.close()
        try two.close()
    }

    @Test(
        "A record is rerouted to a queue with its id, and keeps the reason",
        arguments: StoreUnderTest.allCases)
    func moved(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let id = try taskStore.append("r", .make())[0]
        taskStore.started(id)
        taskStore.ended(id, .moved(queue: "slow", reason: "it takes too long"))
        try taskStore.flush()
        let publisher = try #require(try taskStore.publisher(of: "slow"))
        let record = try #require(try publisher.next().first)
        #expect(record.id == id && record.error == "it takes too long" && record.owner == nil)
        publisher.published(id)
        #expect(try taskStore.state(of: id) == .published)
        try taskStore.close()
    }
}
