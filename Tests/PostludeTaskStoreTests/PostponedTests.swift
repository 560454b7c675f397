import Foundation
import PostludeRecordStoreFixtures
import PostludeSystem
import PostludeTaskStore
import Testing

@Suite("Records that are postponed, abandoned or interrupted", .timeLimit(.minutes(10)))
struct PostponedTests {
    @Test(
        "A postponed record is claimed when its time has come, and the attempt does not count",
        arguments: StoreUnderTest.allCases, [false, true])
    func postponed(store: StoreUnderTest, flushes: Bool) throws {
        let fixture = try store.fixture()
        let (one, two) = (try fixture.open(), try fixture.open())
        let expires = fixture.clock.now.addingTimeInterval(30)
        let id = try one.append("r", .make { $0.expires = expires })[0]
        one.started(id)
        if flushes { try one.flush() }
        let due = fixture.clock.now.addingTimeInterval(60)
        one.ended(id, .postponed(until: due, isKept: false))
        #expect(try one.state(of: id) == .waiting)
        let record = try #require(try two.record(id))
        #expect(record.attempts == 0 && record.owner == nil && record.due == due && record.error == nil)
        #expect(try two.claim().isEmpty && one.claim().isEmpty)
        #expect(try two.nextDue() == due)
        // It has begun, so that it does not expire any more.
        fixture.clock.advance(60)
        #expect(try two.claimedIDs() == [[id]])
        two.started(id)
        two.ended(id, .failed(error: "no"))
        #expect(try two.state(of: id) == .failed)
        #expect(try two.record(id)?.attempts == 1)
        try one.close()
        try two.close()
    }

    @Test(
        "A postponed record that its owner keeps is claimed by no other", arguments: StoreUnderTest.allCases)
    func kept(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (one, two) = (try fixture.open(), try fixture.open())
        let id = try one.append("r", .make())[0]
        one.started(id)
        one.ended(id, .postponed(until: fixture.clock.now, isKept: true))
        try one.flush()
        #expect(try one.record(id)?.owner == one.owner && two.claim().isEmpty)
        one.started(id)
        one.ended(id, .done(result: nil))
        #expect(try one.state(of: id) == .done)
        #expect(try one.record(id)?.attempts == 1)
        try one.close()
        try two.close()
    }

    @Test(
        "The records after a postponed one wait for it if it stops them, and those of a failed process too",
        arguments: StoreUnderTest.allCases)
    func order(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let ids = try taskStore.append("r", .make { $0.stopsOnFailure = true }, .make())
        taskStore.started(ids[0])
        taskStore.ended(ids[0], .postponed(until: fixture.clock.now.addingTimeInterval(60), isKept: false))
        taskStore.ended(ids[1], .released)
        try taskStore.flush()
        fixture.clock.advance(10)
        #expect(try taskStore.claim().isEmpty)
        fixture.clock.advance(50)
        #expect(try taskStore.claimedIDs() == [ids])
        try taskStore.close()
    }

    @Test(
        "A record that discards itself is no dead letter, and those that depend on it are discarded with it",
        arguments: StoreUnderTest.allCases, [false, true])
    func abandoned(store: StoreUnderTest, stops: Bool) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let ids = try taskStore.append(
            "r", .make("charge") { $0.stopsOnFailure = stops }, .make("mail"), .make("ship"))
        taskStore.started(ids[0])
        taskStore.ended(ids[0], .abandoned(error: "the address is gone"))
        #expect(try taskStore.state(of: ids[0]) == .discarded)
        let record = try #require(try taskStore.record(ids[0]))
        #expect(record.error == "the address is gone" && record.attempts == 1 && record.ended != nil)
        for id in ids.dropFirst() {
            let other = try #require(try taskStore.record(id))
            #expect(other.state == (stops ? .discarded : .waiting))
            #expect(other.error == (stops ? "the task charge \(ids[0]) before it was discarded" : nil))
        }
        #expect(try taskStore.counts()[.failed] == 0)
        try taskStore.close()
    }

    /// A process that begins a record, is told to stop, and ends before the attempt does.
    private func isInterrupted(_ fixture: any RecordStoreFixture, running id: RecordID) throws {
        let process = try fixture.open()
        #expect(try process.claimedIDs() == [[id]])
        process.started(id)
        try process.flush()
        process.stop()
        try process.flush()
        fixture.die(process)
    }

    @Test(
        "An interrupted attempt does not count, and a hundred of them make a dead letter",
        arguments: StoreUnderTest.allCases)
    func interrupted(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let warnings = Warnings()
        let taskStore = try fixture.open { settings in settings.warn = { warnings.add($0) } }
        let id = try fixture.open(role: .visitor).append("r", .make())[0]
        for _ in 1..<RecordInterruption.limit {
            try isInterrupted(fixture, running: id)
            let claimed = try taskStore.claim()
            let record = try #require(claimed.first?.records.first)
            #expect(record.attempts == 0 && record.deaths == 0)
            #expect(record.error == "the process ended during attempt 1")
            taskStore.ended(id, .released)
            try taskStore.flush()
        }
        #expect(warnings.all.isEmpty)
        try isInterrupted(fixture, running: id)
        #expect(try taskStore.claim().isEmpty)
        let record = try #require(try taskStore.record(id))
        #expect(record.state == .failed && record.error == RecordInterruption.error)
        #expect(warnings.all.count == 1 && warnings.all.first?.contains(id.text) == true)
        // A retry gives it all of its attempts again.
        #expect(try taskStore.retry([id]) == [.changed])
        try isInterrupted(fixture, running: id)
        #expect(try taskStore.claimedIDs() == [[id]])
        try taskStore.close()
    }

    @Test("A record that is released during its attempt has not made it", arguments: StoreUnderTest.allCases)
    func released(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let id = try taskStore.append("r", .make())[0]
        taskStore.started(id)
        try taskStore.flush()
        taskStore.ended(id, .released)
        #expect(try taskStore.claim().flatMap(\.records).map(\.attempts) == [0])
        try taskStore.close()
    }

    @Test(
        "A process that dies right after it has postponed a record costs it no attempt",
        arguments: StoreUnderTest.allCases)
    func lost(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let dead = try fixture.open { $0.noteDelay = .seconds(3600) }
        let id = try dead.append("r", .make())[0]
        dead.started(id)
        try dead.flush()
        dead.ended(id, .postponed(until: fixture.clock.now.addingTimeInterval(60), isKept: false))
        fixture.die(dead)
        let taskStore = try fixture.open()
        let record = try #require(try taskStore.claim().first?.records.first)
        #expect(record.id == id && record.attempts == 0 && record.deaths == 0)
        try taskStore.close()
    }
}

private final class Warnings: Sendable {
    private let texts = Lock<[String]>([])
    var all: [String] { texts.withLock { $0 } }
    func add(_ text: String) { texts.withLock { $0.append(text) } }
}
