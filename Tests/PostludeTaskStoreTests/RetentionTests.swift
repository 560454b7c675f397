import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("Retention", .timeLimit(.minutes(10)))
struct RetentionTests {
    @Test(
        "Records that have been over for long are removed, a few at a time; the rest stays",
        arguments: StoreUnderTest.allCases)
    func removal(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let records = (0..<30).map { _ in NewRecord.make() }
        let ids = try taskStore.append(NewRequest(id: "r", records: records)).map(\.id)
        for id in ids[0..<20] { taskStore.ended(id, .done(result: nil)) }
        taskStore.ended(ids[20], .failed(error: "no"))
        taskStore.ended(ids[21], .expired)
        try taskStore.flush()
        let time = fixture.clock.now
        fixture.clock.advance(10)
        taskStore.ended(ids[22], .done(result: nil))
        try taskStore.flush()
        #expect(try taskStore.removeOver(endedBefore: time, failedBefore: time, limit: 8) == 0)
        let later = time.addingTimeInterval(1)
        #expect(try taskStore.removeOver(endedBefore: later, failedBefore: time, limit: 8) == 8)
        #expect(try taskStore.removeOver(endedBefore: later, failedBefore: time, limit: 8) == 8)
        #expect(try taskStore.removeOver(endedBefore: later, failedBefore: time, limit: 8) == 5)
        #expect(try taskStore.removeOver(endedBefore: later, failedBefore: time, limit: 8) == 0)
        let counts = try taskStore.counts()
        #expect(counts[.done] == 1 && counts[.failed] == 1 && counts[.expired] == 0 && counts[.waiting] == 7)
        // A request whose first records were removed is still one request.
        fixture.die(taskStore)
        let next = try fixture.open()
        #expect(try next.claimedIDs() == [Array(ids[23...])])
        try next.close()
    }

    @Test(
        "Records that are unique while they are stored are removed with their request",
        arguments: StoreUnderTest.allCases)
    func together(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let once = NewRecord.make {
            $0.uniqueKey = "order"
            $0.uniqueScope = .stored
        }
        let ids = try taskStore.append(
            "r", once,
            .make("mail") { [once] in
                $0.uniqueKey = once.uniqueKey
                $0.uniqueScope = .stored
            }, .make())
        for id in [ids[0], ids[2]] { taskStore.ended(id, .done(result: nil)) }
        try taskStore.flush()
        fixture.clock.advance(10)
        #expect(
            try taskStore.removeOver(endedBefore: fixture.clock.now, failedBefore: fixture.clock.now) == 1)
        #expect(try taskStore.record(ids[0]) != nil && taskStore.record(ids[2]) == nil)
        taskStore.ended(ids[1], .failed(error: "no"))
        try taskStore.flush()
        fixture.clock.advance(10)
        let (now, before) = (fixture.clock.now, fixture.clock.now.addingTimeInterval(-10))
        #expect(try taskStore.removeOver(endedBefore: now, failedBefore: before) == 0)
        #expect(try taskStore.append(NewRequest(id: "2", records: [once]))[0].existing?.id == ids[0])
        #expect(try taskStore.removeOver(endedBefore: now, failedBefore: now) == 2)
        #expect(try taskStore.append(NewRequest(id: "3", records: [once]))[0].existing == nil)
        try taskStore.close()
    }

    @Test("Old firings are removed, a few at a time", arguments: StoreUnderTest.allCases)
    func firings(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        for number in 0..<10 {
            let time = Date(timeIntervalSince1970: Double(number))
            _ = try taskStore.fire("s", at: time, NewRequest(id: "f", records: []))
        }
        let time = Date(timeIntervalSince1970: 7)
        #expect(try taskStore.removeFirings(before: time, limit: 5) == 5)
        #expect(try taskStore.removeFirings(before: time, limit: 5) == 2)
        #expect(try taskStore.removeFirings(before: time, limit: 5) == 0)
        #expect(
            try taskStore.fire("s", at: Date(timeIntervalSince1970: 8), NewRequest(id: "f", records: []))
                == nil
        )
        try taskStore.close()
    }
}
