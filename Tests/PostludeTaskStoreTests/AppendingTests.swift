import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("Appended records", .timeLimit(.minutes(10)))
struct AppendingTests {
    @Test("A record is read as it was given", arguments: StoreUnderTest.allCases)
    func whole(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let payload = Data(#"{"name": "Ünïcödé",  "n": 1.10, "list": [1,2]}"#.utf8)
        var new = NewRecord(name: "receipt", payload: payload)
        new.priority = .high
        new.notBefore = fixture.clock.now.addingTimeInterval(60)
        new.expires = fixture.clock.now.addingTimeInterval(90)
        new.uniqueKey = "order-7"
        let id = try taskStore.append("request-1", .make(), new)[1]
        let record = try #require(try taskStore.record(id))
        #expect(record.payload == payload && record.name == "receipt" && record.priority == .high)
        #expect(record.request == "request-1" && record.position == 1 && record.state == .waiting)
        #expect(
            record.added == fixture.clock.now && record.due == new.notBefore && record.expires == new.expires)
        #expect(record.uniqueKey == "order-7" && record.attempts == 0 && record.owner == nil)
        #expect(record.started == nil && record.ended == nil && record.error == nil && record.result == nil)
        #expect(try taskStore.record(.make(at: 0)) == nil)
        try taskStore.close()
    }

    @Test(
        "Payloads and results keep all of their bytes; names with a NUL are refused",
        arguments: StoreUnderTest.allCases)
    func bytes(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        for bytes in [[], [0], [0x22, 0, 0x22], [0xff, 0xfe, 0x80], Array(UInt8.min ... .max)] as [[UInt8]] {
            let id = try taskStore.append("r", NewRecord(name: "n", payload: Data(bytes)))[0]
            taskStore.ended(id, .done(result: Data(bytes)))
            try taskStore.flush()
            let record = try #require(try taskStore.record(id))
            #expect(record.payload == Data(bytes) && record.result == Data(bytes))
        }
        let refused = [
            NewRecord.make("a\0b"), .make { $0.uniqueKey = "a\0" }, .make { $0.queue = "\0" },
        ]
        for record in refused {
            #expect(taskStoreError { _ = try taskStore.append("r", .make(), record) }?.code == .refused)
        }
        #expect(taskStoreError { _ = try taskStore.append("\0", .make()) }?.code == .refused)
        let firing = NewRequest(id: "r", records: [.make()])
        #expect(taskStoreError { _ = try taskStore.fire("a\0", at: Date(), firing) }?.code == .refused)
        #expect(taskStoreError { _ = try taskStore.newest(of: "a\0", name: "charge") }?.code == .refused)
        #expect(try taskStore.list().records.count == 5)
        try taskStore.close()
    }

    @Test(
        "A due record belongs to this process at once; a delayed one, and one for others, has no owner",
        arguments: StoreUnderTest.allCases)
    func owners(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let later = NewRecord.make { $0.notBefore = fixture.clock.now.addingTimeInterval(1) }
        let past = NewRecord.make { $0.notBefore = Date.distantPast }
        let ids = try taskStore.append("r", .make(), later, past)
        #expect(try ids.map { try taskStore.record($0)?.owner } == [taskStore.owner, nil, nil])
        // Its time was past when it was persisted: the request's worker does not run it.
        #expect(try taskStore.claimedIDs() == [[ids[2]]])
        let given = try taskStore.append("r", .make(), runsHere: false)[0]
        #expect(try taskStore.record(given)?.owner == nil)
        try taskStore.close()
    }

    @Test(
        "A unique key: the record that is not over stands for the next ones of the same name",
        arguments: StoreUnderTest.allCases)
    func uniqueKeys(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let keyed = NewRecord.make { $0.uniqueKey = "k" }
        let first = try taskStore.append("1", keyed)[0]
        let request = NewRequest(
            id: "2", records: [.make(), keyed, .make("mail") { $0.uniqueKey = "k" }, .make()])
        let appended = try taskStore.append(request)
        #expect(appended[1].existing?.id == first)
        #expect(appended[2].existing == nil)
        #expect(try taskStore.counts().names.mapValues { $0[.waiting] } == ["charge": 3, "mail": 1])
        for state in [RecordEnd.again(error: "e", at: fixture.clock.now), .moved(queue: "q", reason: nil)] {
            taskStore.started(first)
            taskStore.ended(first, state)
            try taskStore.flush()
            let record = try #require(try taskStore.record(first))
            #expect(try taskStore.append(NewRequest(id: "3", records: [keyed])) == [.exists(record)])
        }
        taskStore.ended(first, .done(result: nil))
        try taskStore.flush()
        let again = try taskStore.append(NewRequest(id: "4", records: [keyed, keyed]))
        #expect(again[0].existing == nil && again[1].existing?.id == again[0].id)
        try taskStore.close()
    }

    @Test(
        "Times beyond any calendar are stored as the earliest and latest one",
        arguments: StoreUnderTest.allCases, [-1e12, 1e12, 1e300, .infinity, -.infinity, .nan])
    func farTimes(store: StoreUnderTest, seconds: Double) throws {
        let time = Date(timeIntervalSince1970: seconds)
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let record = NewRecord.make {
            $0.notBefore = time
            $0.expires = time
        }
        let id = try taskStore.append("r", record)[0]
        #expect(try taskStore.record(id) != nil)
        try taskStore.export { _ in }
        try taskStore.close()
    }

    @Test("A schedule's firing is stored once", arguments: StoreUnderTest.allCases)
    func firings(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (one, two) = (try fixture.open(), try fixture.open())
        let time = fixture.clock.now
        let request = NewRequest(id: "f", records: [.make()])
        #expect(try one.lastFiring(of: "nightly") == nil)
        #expect(try one.fire("nightly", at: time, request)?.count == 1)
        #expect(try two.fire("nightly", at: time, request) == nil)
        #expect(try two.fire("hourly", at: time, request)?.count == 1)
        #expect(try two.fire("nightly", at: time.addingTimeInterval(60), request)?.count == 1)
        #expect(try one.lastFiring(of: "nightly") == time.addingTimeInterval(60))
        #expect(try one.counts()[.waiting] == 3)
        try one.close()
        try two.close()
    }

    @Test("A firing whose records cannot be stored has not happened", arguments: StoreUnderTest.allCases)
    func failedFiring(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let taken = try taskStore.append("r", .make())[0]
        let request = NewRequest(id: "f", records: [.make { $0.id = taken }])
        let time = fixture.clock.now
        #expect(taskStoreError { _ = try taskStore.fire("nightly", at: time, request) }?.code == .refused)
        #expect(try taskStore.lastFiring(of: "nightly") == nil)
        #expect(try taskStore.fire("nightly", at: time, NewRequest(id: "f", records: [.make()])) != nil)
        try taskStore.close()
    }
}
