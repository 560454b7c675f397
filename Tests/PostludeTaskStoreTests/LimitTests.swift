import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("Limits of records", .timeLimit(.minutes(10)))
struct LimitTests {
    @Test(
        "At most so many records of a key are owned at once, in all processes together",
        arguments: StoreUnderTest.allCases)
    func running(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let limit = RecordLimit(name: "charge", running: 2, member: "customer")
        let (one, two) = (try fixture.open(limits: [limit]), try fixture.open(limits: [limit]))
        let ids = try one.append(
            "r", .limited("a"), .limited("a"), .limited("a"), .limited("b"), runsHere: false)
        #expect(try Set(two.claimedIDs()) == [[ids[0]], [ids[1]], [ids[3]]])
        #expect(try one.claim().isEmpty)
        two.started(ids[0])
        two.ended(ids[0], .done(result: nil))
        try two.flush()
        #expect(try #require(try one.nextDue()) <= fixture.clock.now)
        #expect(try one.claimedIDs() == [[ids[2]]])
        #expect(try one.record(ids[2])?.owner == one.owner)
        try one.close()
        try two.close()
    }

    @Test(
        "The process that stores a record owns it at once if the limit allows it and no other record waits",
        arguments: StoreUnderTest.allCases)
    func atOnce(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let limit = RecordLimit(
            name: "charge", running: 2, rate: RecordRate(count: 2, period: 60_000), member: "customer")
        let (one, two) = (try fixture.open(limits: [limit]), try fixture.open(limits: [limit]))
        func add(_ key: String) throws -> (id: RecordID, isOwned: Bool) {
            let id = try one.append("r", .limited(key))[0]
            let isOwned = try one.record(id)?.owner == one.owner
            #expect(one.ownsAtOnce(id) == isOwned)
            return (id, isOwned)
        }
        let (first, second, third) = (try add("a"), try add("a"), try add("a"))
        #expect(first.isOwned && second.isOwned && !third.isOwned)
        #expect(try add("b").isOwned)
        one.ended(first.id, .done(result: nil))
        try one.flush()
        // The rate is used up, and then another one waits already.
        #expect(try two.claim().isEmpty)
        fixture.clock.advance(60)
        #expect(try !add("a").isOwned)
        #expect(try two.claimedIDs() == [[third.id]])
        // One that stops the others runs here with those after it, or waits with them.
        let ids = try one.append(
            "s", .limited("c") { $0.stopsOnFailure = true }, .make("mail") { $0.followsLimited = true })
        #expect(ids.allSatisfy { one.ownsAtOnce($0) })
        let others = try one.append(
            "t", .limited("a") { $0.stopsOnFailure = true }, .make("mail") { $0.followsLimited = true })
        #expect(!others.contains { one.ownsAtOnce($0) })
        #expect(try others.allSatisfy { try one.record($0)?.owner == nil })
        // A request that another process runs owns nothing.
        let left = try one.append("u", .limited("d"), runsHere: false)
        #expect(try one.record(left[0])?.owner == nil)
        try one.close()
        try two.close()
    }

    @Test(
        "A record that waited, and is claimed before its caller asks, is not owned at once, too: it would run twice",
        arguments: StoreUnderTest.allCases)
    func claimedBeforeCallerAsks(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let one = try fixture.open(limits: [RecordLimit(name: "charge", running: 1, member: "customer")])
        let first = try one.append("r", .limited("a"))[0]
        let second = try one.append("r", .limited("a"))[0]
        #expect(one.ownsAtOnce(first))
        #expect(!one.ownsAtOnce(first), "only one caller runs it")
        one.ended(first, .done(result: nil))
        try one.flush()
        #expect(try one.claimedIDs() == [[second]])
        #expect(!one.ownsAtOnce(second))
        try one.close()
    }

    @Test("The places of a dead owner are free", arguments: StoreUnderTest.allCases)
    func death(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let limit = RecordLimit(name: "charge", running: 1)
        let (dead, other) = (try fixture.open(limits: [limit]), try fixture.open(limits: [limit]))
        let ids = try other.append("r", .limited(""), .limited(""), runsHere: false)
        #expect(try dead.claimedIDs() == [[ids[0]]])
        #expect(try other.claim().isEmpty)
        fixture.die(dead)
        #expect(try other.claimedIDs() == [[ids[0]]])
        try other.close()
    }

    @Test(
        "A record whose process has died is a suspect, and the place is another's meanwhile",
        arguments: StoreUnderTest.allCases)
    func suspect(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let limit = RecordLimit(name: "charge", running: 1)
        let (dead, other) = (try fixture.open(limits: [limit]), try fixture.open(limits: [limit]))
        let ids = try other.append("r", .limited(""), .limited(""), runsHere: false)
        #expect(try dead.claimedIDs() == [[ids[0]]])
        dead.started(ids[0])
        try dead.flush()
        fixture.die(dead)
        #expect(try other.claimedIDs() == [[ids[1]]])
        other.ended(ids[1], .done(result: nil))
        fixture.clock.advance(10)
        #expect(try other.claim(64, takingSuspect: false).isEmpty)
        fixture.clock.advance(10)
        #expect(try other.claimedIDs() == [[ids[0]]])
        try other.close()
    }

    @Test(
        "At most so many records begin within a time, and the next due time is that of the next one",
        arguments: StoreUnderTest.allCases)
    func rate(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let limit = RecordLimit(
            name: "charge", rate: RecordRate(count: 2, period: 60_000), member: "customer")
        let taskStore = try fixture.open(limits: [limit])
        let ids = try taskStore.append(
            "r", .limited("a"), .limited("a"), .limited("a"), .limited("a"), runsHere: false)
        let start = fixture.clock.now
        #expect(try taskStore.claimedIDs(1) == [[ids[0]]])
        fixture.clock.advance(10)
        #expect(try taskStore.claimedIDs() == [[ids[1]]])
        #expect(try taskStore.nextDue() == start.addingTimeInterval(60))
        fixture.clock.advance(49)
        #expect(try taskStore.claim().isEmpty)
        fixture.clock.advance(1)
        #expect(try taskStore.claimedIDs() == [[ids[2]]])
        #expect(try taskStore.nextDue() == start.addingTimeInterval(70))
        // Another key has its own rate.
        let other = try taskStore.append("s", .limited("b"), runsHere: false)
        #expect(try taskStore.claimedIDs() == [other])
        try taskStore.close()
    }

    @Test(
        "With a strict order the next record waits for the one before it, also for its retry",
        arguments: StoreUnderTest.allCases)
    func strictOrder(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let limit = RecordLimit(name: "charge", running: 5, isStrict: true)
        let taskStore = try fixture.open(limits: [limit])
        let ids = try taskStore.append(
            "r", .limited("") { $0.priority = .low }, .limited("") { $0.priority = .high }, .limited(""),
            runsHere: false)
        #expect(try taskStore.claimedIDs() == [[ids[0]]])
        taskStore.started(ids[0])
        taskStore.ended(ids[0], .again(error: "e", at: fixture.clock.now.addingTimeInterval(60)))
        #expect(try taskStore.claim().isEmpty)
        #expect(try taskStore.nextDue() == fixture.clock.now.addingTimeInterval(60))
        fixture.clock.advance(60)
        #expect(try taskStore.claimedIDs() == [[ids[0]]])
        // A dead letter is over, and the next one runs. If it is retried, it is first again.
        taskStore.ended(ids[0], .failed(error: "e"))
        #expect(try taskStore.claimedIDs() == [[ids[1]]])
        #expect(try taskStore.retry([ids[0]]) == [.changed])
        #expect(try taskStore.claim().isEmpty)
        taskStore.ended(ids[1], .done(result: nil))
        #expect(try taskStore.claimedIDs() == [[ids[0]]])
        taskStore.ended(ids[0], .done(result: nil))
        #expect(try taskStore.claimedIDs() == [[ids[2]]])
        try taskStore.close()
    }

    @Test(
        "Keys are served in turn, and records without a limit are claimed beside them",
        arguments: StoreUnderTest.allCases)
    func turns(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open(limits: [RecordLimit(name: "charge", member: "customer")])
        let maker = try fixture.open(role: .visitor)
        _ = try maker.append(NewRequest(id: "a", records: (0..<100).map { _ in .limited("a") }))
        #expect(try taskStore.claim(2).map(\.id) == ["a", "a"])
        fixture.clock.advance(1)
        for id in ["b", "c"] { _ = try maker.append(id, .limited(id), .limited(id)) }
        fixture.clock.advance(1)
        #expect(try Set(taskStore.claim(3).map(\.id)) == ["a", "b", "c"])
        fixture.clock.advance(1)
        #expect(try Set(taskStore.claim(3).map(\.id)) == ["a", "b", "c"])
        _ = try maker.append("others", .make("mail"))
        #expect(try (0..<2).contains { _ in try taskStore.claim(1).map(\.id) == ["others"] })
        let rest = try taskStore.claim(200)
        #expect(rest.count >= 94 && rest.allSatisfy { $0.id == "a" })
        try taskStore.close()
        try maker.close()
    }

    @Test(
        "The records after one with a limit that stops them on failure run with it",
        arguments: StoreUnderTest.allCases)
    func followers(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let limit = RecordLimit(name: "charge", running: 1)
        let taskStore = try fixture.open(limits: [limit])
        func request(_ id: String) throws -> [RecordID] {
            try taskStore.append(
                id, .limited("") { $0.stopsOnFailure = true }, .make("mail") { $0.followsLimited = true },
                runsHere: false)
        }
        let (one, two) = (try request("one"), try request("two"))
        #expect(try taskStore.claimedIDs() == [one])
        taskStore.ended(one[0], .done(result: nil))
        // The other request's record is postponed, because it must not run before the one with the limit.
        fixture.clock.advance(10)
        #expect(try taskStore.claimedIDs() == [two])
        taskStore.ended(two[0], .failed(error: "e"))
        #expect(try taskStore.state(of: two[1]) == .failed)
        try taskStore.close()
    }

    @Test(
        "Records that wait get their keys when a limit is set, and lose them with it",
        arguments: StoreUnderTest.allCases)
    func changes(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open(limits: [], of: [])
        let maker = try fixture.open(role: .visitor)
        let payloads = [
            #"{"customer":"a"}"#, #"{"customer":12345678901234567890}"#, #"{"customer":true}"#, "{}",
            "no JSON",
            #"{"customer":{"id":1}}"#, #"{"customer":"é\"\n"}"#,
        ]
        var records = payloads.map { payload in
            var record = NewRecord.make()
            record.payload = Data(payload.utf8)
            return record
        }
        records.append(.make("other"))
        let ids = try maker.append(NewRequest(id: "r", records: records)).map(\.id)
        try taskStore.setLimits(
            [RecordLimit(name: "charge", running: 1, member: "customer")], of: ["charge", "other"])
        #expect(
            try ids.map { try taskStore.record($0)?.limitKey }
                == ["a", "12345678901234567890", "true", "", "", "", "é\"\n", nil])
        #expect(try taskStore.claim().count == 6)
        try taskStore.setLimits([RecordLimit(name: "charge", running: 1)], of: ["charge", "other"])
        #expect(try ids.map { try taskStore.record($0)?.limitKey } == Array(repeating: "", count: 7) + [nil])
        fixture.clock.advance(10)
        #expect(try taskStore.claim().isEmpty)
        try taskStore.setLimits([], of: ["charge", "other"])
        #expect(try taskStore.claim().count == 1)
        #expect(try ids.allSatisfy { try taskStore.record($0)?.limitKey == nil })
        try taskStore.close()
        try maker.close()
    }

    @Test(
        "A unique key is held within a window after its record was added, also when that is over",
        arguments: StoreUnderTest.allCases)
    func window(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let record = NewRecord.make {
            $0.uniqueKey = "k"
            $0.uniqueScope = .within(.seconds(60))
        }
        let first = try taskStore.append("one", record)
        taskStore.started(first[0])
        taskStore.ended(first[0], .done(result: nil))
        try taskStore.flush()
        fixture.clock.advance(59)
        #expect(try taskStore.append("two", record) == first)
        // It is kept as long as it stands for others.
        let now = fixture.clock.now
        #expect(try taskStore.removeOver(endedBefore: now, failedBefore: now) == 0)
        fixture.clock.advance(1)
        let second = try taskStore.append("three", record)
        #expect(second != first)
        #expect(try taskStore.removeOver(endedBefore: now, failedBefore: now) == 1)
        // One that is not over stands for others, whatever their window.
        fixture.clock.advance(3600)
        #expect(try taskStore.append("four", record) == second)
        try taskStore.close()
    }

    @Test(
        "The clock that is set back makes no key wait",
        arguments: [StoreUnderTest.sqliteFile, .sqliteDatabase])
    func clock(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let limit = RecordLimit(name: "charge", rate: RecordRate(count: 1, period: 1_000))
        let taskStore = try fixture.open(limits: [limit])
        _ = try taskStore.append("r", .limited(""), .limited(""), .limited(""), runsHere: false)
        #expect(try taskStore.claim().count == 1)
        fixture.clock.advance(-3600)
        #expect(try taskStore.claim().isEmpty)
        fixture.clock.advance(1)
        #expect(try taskStore.claim().count == 1)
        fixture.clock.advance(1)
        #expect(try taskStore.claim().count == 1)
        try taskStore.close()
    }
}

extension NewRecord {
    /// Makes a record with a limit key.
    static func limited(
        _ key: String, _ change: (inout NewRecord) -> Void = { _ in }
    ) -> NewRecord {
        .make { record in
            record.limitKey = key
            record.payload = Data("{\"customer\":\"\(key)\"}".utf8)
            change(&record)
        }
    }
}

extension RecordStoreFixture {
    /// Opens the store as another process, with limits.
    func open(limits: [RecordLimit], of names: [String]? = nil) throws -> any RecordStore {
        let store = try open { $0.usesServerClock = false }
        try store.setLimits(limits, of: names ?? limits.map(\.name))
        return store
    }
}
