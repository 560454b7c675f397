import Foundation
import Testing

@testable import PostludeTaskStore

@Suite("Retention", .timeLimit(.minutes(10)))
struct RetentionTests {
    @Test("What has been over for long goes, a few at a time; the rest stays")
    func removal() throws {
        let fixture = try JournalFixture()
        let journal = try fixture.open()
        let records = (0..<30).map { _ in NewRecord.make() }
        let ids = try journal.append(NewRequest(id: "r", records: records)).map(\.id)
        for id in ids[0..<20] { journal.ended(id, .done(result: nil)) }
        journal.ended(ids[20], .failed(error: "no"))
        journal.ended(ids[21], .expired)
        try journal.flush()
        let time = fixture.clock.now
        fixture.clock.advance(10)
        journal.ended(ids[22], .done(result: nil))
        try journal.flush()
        #expect(try journal.removeOver(endedBefore: time, failedBefore: time, limit: 8) == 0)
        let later = time.addingTimeInterval(1)
        #expect(try journal.removeOver(endedBefore: later, failedBefore: time, limit: 8) == 8)
        #expect(try journal.removeOver(endedBefore: later, failedBefore: time, limit: 8) == 8)
        #expect(try journal.removeOver(endedBefore: later, failedBefore: time, limit: 8) == 5)
        #expect(try journal.removeOver(endedBefore: later, failedBefore: time, limit: 8) == 0)
        let counts = try journal.counts()
        #expect(counts[.done] == 1 && counts[.failed] == 1 && counts[.expired] == 0 && counts[.waiting] == 7)
        // A request of which the first records are gone is still one.
        JournalFixture.die(journal)
        let next = try fixture.open()
        #expect(try next.claimedIDs() == [Array(ids[23...])])
        try next.close()
    }

    @Test("Records that are unique as long as they are kept go with their request")
    func together() throws {
        let fixture = try JournalFixture()
        let journal = try fixture.open()
        let once = NewRecord.make {
            $0.uniqueKey = "order"
            $0.uniqueScope = .kept
        }
        let ids = try journal.keep(
            "r", once,
            .make("mail") { [once] in
                $0.uniqueKey = once.uniqueKey
                $0.uniqueScope = .kept
            }, .make())
        for id in [ids[0], ids[2]] { journal.ended(id, .done(result: nil)) }
        try journal.flush()
        fixture.clock.advance(10)
        #expect(try journal.removeOver(endedBefore: fixture.clock.now, failedBefore: fixture.clock.now) == 1)
        #expect(try journal.record(ids[0]) != nil && journal.record(ids[2]) == nil)
        journal.ended(ids[1], .failed(error: "no"))
        try journal.flush()
        fixture.clock.advance(10)
        let (now, before) = (fixture.clock.now, fixture.clock.now.addingTimeInterval(-10))
        #expect(try journal.removeOver(endedBefore: now, failedBefore: before) == 0)
        #expect(try journal.append(NewRequest(id: "2", records: [once]))[0].existing?.id == ids[0])
        #expect(try journal.removeOver(endedBefore: now, failedBefore: now) == 2)
        #expect(try journal.append(NewRequest(id: "3", records: [once]))[0].existing == nil)
        try journal.close()
    }

    @Test("Old firings are forgotten, a few at a time")
    func firings() throws {
        let fixture = try JournalFixture()
        let journal = try fixture.open()
        for number in 0..<10 {
            let time = Date(timeIntervalSince1970: Double(number))
            _ = try journal.fire("s", at: time, NewRequest(id: "f", records: []))
        }
        let time = Date(timeIntervalSince1970: 7)
        #expect(try journal.removeFirings(before: time, limit: 5) == 5)
        #expect(try journal.removeFirings(before: time, limit: 5) == 2)
        #expect(try journal.removeFirings(before: time, limit: 5) == 0)
        #expect(
            try journal.fire("s", at: Date(timeIntervalSince1970: 8), NewRequest(id: "f", records: [])) == nil
        )
        try journal.close()
    }
}
