import Foundation
import Testing

@testable import PostludeTaskStore

@Suite("Retry and discard", .timeLimit(.minutes(10)))
struct SteeringTests {
    @Test("A dead letter runs again with all its attempts")
    func retry() throws {
        let fixture = try JournalFixture()
        let journal = try fixture.open()
        let id = try journal.keep("r", .make())[0]
        journal.started(id)
        journal.ended(id, .failed(error: "no"))
        #expect(try journal.state(of: id) == .failed)
        fixture.clock.advance(5)
        #expect(try journal.retry([id, .make(at: 0)]) == [.changed, .unknown])
        let record = try #require(try journal.claim().first?.records.first)
        #expect(record.id == id && record.attempts == 0 && record.error == "no" && record.ended == nil)
        #expect(record.due == fixture.clock.now)
        try journal.close()
    }

    @Test("What waits for its time runs at once; what runs is left alone, unless who ran it is dead")
    func retryWaiting() throws {
        let fixture = try JournalFixture()
        let (journal, dead) = (try fixture.open(), try fixture.open())
        let later = try journal.keep("r", .make { $0.notBefore = fixture.clock.now.addingTimeInterval(99) })[
            0]
        let held = try dead.keep("r", .make(), .make())
        dead.started(held[0])
        try dead.flush()
        #expect(
            try journal.retry([later] + held) == [
                .changed, .refused("it is running"), .refused("a process is about to run it"),
            ])
        #expect(try journal.claimedIDs() == [[later]])
        JournalFixture.die(dead)
        #expect(try journal.retry(held) == [.changed, .changed])
        #expect(try journal.claimedIDs() == [held])
        try journal.close()
    }

    @Test("A retry does not break a unique key, and an expiry that is over counts no more")
    func retryKey() throws {
        let fixture = try JournalFixture()
        let journal = try fixture.open()
        let keyed = NewRecord.make {
            $0.uniqueKey = "k"
            $0.expires = fixture.clock.now.addingTimeInterval(1)
        }
        let first = try journal.keep("1", keyed, runsHere: false)[0]
        fixture.clock.advance(2)
        #expect(try journal.claim().isEmpty && journal.record(first)?.state == .expired)
        let second = try journal.keep("2", .make { $0.uniqueKey = "k" })[0]
        #expect(try journal.retry([first]) == [.refused("\(second), with the same unique key, is not over")])
        journal.ended(second, .done(result: nil))
        try journal.flush()
        #expect(try journal.retry([first]) == [.changed])
        #expect(try journal.claimedIDs() == [[first]])
        try journal.close()
    }

    @Test("What no process has is discarded; what runs or is over is not")
    func discard() throws {
        let fixture = try JournalFixture()
        let journal = try fixture.open()
        let free = try journal.keep("r", .make(), runsHere: false)[0]
        let dead = try journal.keep("r", .make())[0]
        journal.ended(dead, .failed(error: "no"))
        let outgoing = try journal.keep("r", .make { $0.queue = "q" })[0]
        let done = try journal.keep("r", .make())[0]
        journal.ended(done, .done(result: nil))
        let owned = try journal.keep("r", .make())[0]
        let results = try journal.discard([free, dead, outgoing, done, owned])
        #expect(
            results == [
                .changed, .changed, .changed, .refused("it is done"),
                .refused("a process is about to run it"),
            ])
        #expect(
            try [free, dead, outgoing].map { try journal.record($0)?.state } == [
                .discarded, .discarded, .discarded,
            ])
        #expect(try journal.record(dead)?.error == "no")
        #expect(try journal.claim().isEmpty)
        try journal.close()
    }

    @Test("What is over does not change by what comes late")
    func late() throws {
        let fixture = try JournalFixture()
        let journal = try fixture.open()
        let id = try journal.keep("r", .make(), runsHere: false)[0]
        #expect(try journal.discard([id]) == [.changed])
        journal.started(id)
        for end in [
            RecordEnd.done(result: nil), .again(error: "e", at: fixture.clock.now), .failed(error: "e"),
            .left,
        ] {
            journal.ended(id, end)
        }
        #expect(try journal.state(of: id) == .discarded)
        try journal.close()
    }
}
