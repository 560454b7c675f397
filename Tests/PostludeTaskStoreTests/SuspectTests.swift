import Foundation
import PostludeRecordStoreFixtures
import PostludeSystem
import PostludeTaskStore
import Testing

@Suite("Records whose process died while it ran them", .timeLimit(.minutes(10)))
struct SuspectTests {
    private let told = ReportedDeaths()

    /// A process that begins a record, and dies before any trace of it is on the disk.
    private func diesAtOnce(_ fixture: any RecordStoreFixture, running ids: [RecordID]) throws {
        let dead = try fixture.open { $0.noteDelay = .seconds(3600) }
        fixture.clock.advance(10)
        let claimed = Set(try dead.claim(1).flatMap { $0.records.map(\.id) })
        #expect(claimed.isSuperset(of: ids))
        for id in ids { dead.started(id) }
        fixture.die(dead)
    }

    private func survivor(_ fixture: any RecordStoreFixture, end: ProcessEnd = .unknown) throws
        -> any RecordStore
    {
        try fixture.open { settings in
            settings.died = { [told] in told.add($0) }
            settings.end = { _ in end }
        }
    }

    @Test(
        "An attempt that ends its process at once is counted, and after three such deaths it is a dead letter",
        arguments: StoreUnderTest.allCases)
    func threeDeaths(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try survivor(fixture, end: .known("signal 4"))
        let maker = try fixture.open(role: .visitor)
        let ids = try maker.append("r", .make(), .make())
        for (count, delay) in [(1, 1), (2, 3)] {
            try diesAtOnce(fixture, running: [ids[0]])
            #expect(try taskStore.claim().isEmpty)
            let record = try #require(try taskStore.record(ids[0]))
            #expect(record.state == .waiting && record.owner == nil)
            #expect(record.attempts == count && record.deaths == count)
            #expect(record.error == "its process died: signal 4, pid \(getpid()) (death \(count) of 3)")
            let next = fixture.clock.now.addingTimeInterval(Double(delay))
            #expect(try taskStore.nextDue() == next && record.due == next)
            // The record after it must wait as long.
            #expect(try taskStore.record(ids[1])?.due == next)
        }
        try diesAtOnce(fixture, running: [ids[0]])
        #expect(try taskStore.claimedIDs() == [[ids[1]]])
        let record = try #require(try taskStore.record(ids[0]))
        #expect(record.state == .failed && record.deaths == 3 && record.attempts == 3)
        #expect(record.error == "its process died: signal 4, pid \(getpid()) (death 3 of 3)")
        let told = told.deaths
        #expect(told.map(\.deaths) == [1, 2, 3])
        #expect(told.map(\.record.request) == ["r", "r", "r"])
        #expect(told.map { $0.next == nil } == [false, false, true])
        // After a retry it may again die as often.
        #expect(try taskStore.retry([ids[0]]) == [.changed])
        #expect(try taskStore.claim().first?.records.first?.deaths == 0)
        try taskStore.close()
        try maker.close()
    }

    @Test("Records that only waited in a dead process are not suspects", arguments: StoreUnderTest.allCases)
    func bystanders(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (dead, taskStore) = (try fixture.open(), try survivor(fixture))
        let a = try dead.append("a", .make(), .make())
        let b = try dead.append("b", .make())
        dead.started(b[0])
        dead.ended(b[0], .retrying(error: "refused"))
        dead.started(a[0])
        dead.ended(a[0], .done(result: nil))
        try dead.flush()
        fixture.die(dead)
        #expect(try taskStore.claimedIDs() == [[a[1]], b])
        #expect(told.deaths.isEmpty)
        #expect(try taskStore.record(b[0])?.error == "refused")
        try taskStore.close()
    }

    @Test(
        "A process that was told to stop is not evidence against its running records, except those past the kill time",
        arguments: StoreUnderTest.allCases)
    func stopped(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (dead, taskStore) = (try fixture.open(), try survivor(fixture))
        let (a, b) = (try dead.append("a", .make())[0], try dead.append("b", .make())[0])
        dead.started(a)
        dead.started(b)
        dead.blame(b)
        dead.stop()
        try dead.flush()
        fixture.die(dead)
        #expect(try taskStore.claimedIDs() == [[a]])
        #expect(try taskStore.record(a)?.error == "the process ended during attempt 1")
        #expect(told.deaths.map(\.record.id) == [b])
        #expect(try taskStore.record(b)?.error?.contains("tasks.kill-time") == true)
        try taskStore.close()
    }

    @Test("Suspects are claimed one at a time, and delay no other record", arguments: StoreUnderTest.allCases)
    func alone(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (dead, taskStore) = (try fixture.open(), try survivor(fixture))
        let suspects = try (1...3).map { try dead.append("s\($0)", .make())[0] }
        for id in suspects { dead.started(id) }
        try dead.flush()
        fixture.die(dead)
        #expect(try taskStore.claim().isEmpty)
        fixture.clock.advance(5)
        let other = try taskStore.append("other", .make(), runsHere: false)
        #expect(try taskStore.nextDue(takingSuspect: false) == fixture.clock.now)
        #expect(try taskStore.claimedIDs() == [[suspects[0]], other])
        #expect(try taskStore.claim(64, takingSuspect: false).isEmpty)
        #expect(try taskStore.nextDue(takingSuspect: false) == nil)
        #expect(try taskStore.claimedIDs(1) == [[suspects[1]]])
        #expect(try taskStore.claimedIDs() == [[suspects[2]]])
        #expect(try taskStore.unfinished() == 4)
        try taskStore.close()
    }

    @Test(
        "The third death stops the records after it like any final failure; a retry includes them",
        arguments: StoreUnderTest.allCases)
    func stopsBehind(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try survivor(fixture)
        let maker = try fixture.open(role: .visitor)
        let charge = NewRecord.make("charge") { $0.stopsOnFailure = true }
        let ids = try maker.append("r", charge, .make("receipt"))
        for count in 1...2 {
            try diesAtOnce(fixture, running: [ids[0]])
            #expect(try taskStore.claim().isEmpty)
            let behind = try #require(try taskStore.record(ids[1]))
            #expect(behind.state == .waiting && behind.owner == nil && behind.deaths == 0, "death \(count)")
        }
        try diesAtOnce(fixture, running: [ids[0]])
        #expect(try taskStore.claim().isEmpty)
        let receipt = try #require(try taskStore.record(ids[1]))
        #expect(receipt.state == .failed && receipt.stoppedBy == ids[0] && receipt.owner == nil)
        #expect(receipt.error == "the task charge \(ids[0]) before it has failed")
        #expect(try taskStore.retry([ids[0]]) == [.changed])
        #expect(try taskStore.claimedIDs() == [ids])
        try taskStore.close()
        try maker.close()
    }

    @Test(
        "A suspect and those after it wait, even if the clock is set back; a retry forgets its deaths",
        arguments: StoreUnderTest.allCases)
    func clockBack(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (dead, taskStore) = (try fixture.open(), try survivor(fixture))
        let ids = try dead.append("r", .make(), .make())
        let other = try dead.append("other", .make())
        dead.started(ids[0])
        try dead.flush()
        fixture.die(dead)
        fixture.clock.advance(-3_600)
        #expect(try taskStore.claimedIDs() == [other])
        let next = fixture.clock.now.addingTimeInterval(1)
        for id in ids { #expect(try taskStore.record(id)?.due == next) }
        #expect(try taskStore.retry([ids[0]]) == [.changed])
        let record = try #require(try taskStore.record(ids[0]))
        #expect(record.deaths == 0 && record.attempts == 0 && record.due == fixture.clock.now)
        fixture.clock.advance(1)
        #expect(try taskStore.claimedIDs() == [ids])
        try taskStore.close()
    }
}
