import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("The list of changes that processes follow", .timeLimit(.minutes(10)))
struct ChangesTests {
    /// Returns the numbers of records, in the order of their ids.
    private func numbers(_ ids: [RecordID], in store: any RecordStore) throws -> [Int64] {
        try ids.map { try #require(try store.record($0)).number }
    }

    @Test(
        "Each change of a state, of progress, and each removal is listed once, whichever process has made it",
        arguments: StoreUnderTest.allCases)
    func listed(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (one, two) = (try fixture.open(), try fixture.open())
        let ids = try one.append("r", .make(), .make(), .make())
        let all = try numbers(ids, in: one)
        try two.listChanges(for: .seconds(60))
        let begun = try two.changes(after: nil)
        #expect(begun.numbers.isEmpty)
        #expect(try two.changes(after: begun.position).numbers.isEmpty)

        one.started(ids[0])
        one.reached(RecordProgress(0.5, "half"), by: ids[0])
        try one.flush()
        let first = try two.changes(after: begun.position)
        #expect(first.numbers == [all[0]])
        #expect(try two.changes(after: first.position).numbers.isEmpty)

        one.reached(RecordProgress(0.75, "more"), by: ids[0])
        try one.flush()
        let second = try two.changes(after: first.position)
        #expect(second.numbers == [all[0]])
        #expect(try two.summaries(of: all).first { $0.number == all[0] }?.progress?.message == "more")

        one.ended(ids[0], .done(result: nil))
        try one.flush()
        one.ended(ids[1], .failed(error: "no"))
        try one.flush()
        let third = try two.changes(after: second.position)
        #expect(third.numbers == [all[0], all[1]])

        fixture.clock.advance(10)
        #expect(
            try one.removeOver(
                endedBefore: fixture.clock.now, failedBefore: fixture.clock.now, limit: 10) == 2)
        #expect(try two.changes(after: third.position).numbers == [all[0], all[1]])
        #expect(try two.summaries(of: all).map(\.number) == [all[2]])
        #expect(try two.summaries(withIDs: ids).map(\.id) == [ids[2]])
        #expect(try two.summaries(withIDs: []).isEmpty)
        // Everything since the beginning, each record once.
        #expect(try two.changes(after: begun.position).numbers == [all[0], all[1]])
    }

    @Test("Nothing is listed when no process follows, or none any more", arguments: StoreUnderTest.allCases)
    func unlisted(store: StoreUnderTest) async throws {
        let fixture = try store.fixture()
        let one = try fixture.open()
        let ids = try one.append("r", .make(), .make())
        let begun = try one.changes(after: nil)
        one.started(ids[0])
        try one.flush()
        #expect(try one.changes(after: begun.position).numbers.isEmpty)
        // The list ends by the real clock, that of the database. On a slow machine, it may end before the change is made.
        var listed = begun
        while listed.numbers.isEmpty {
            try one.listChanges(for: .seconds(1))
            one.reached(RecordProgress(0, ""), by: ids[0])
            try one.flush()
            listed = try one.changes(after: begun.position)
        }
        #expect(listed.numbers == Set(try numbers([ids[0]], in: one)))
        // Asking again is what keeps it.
        var end = listed.position
        while true {
            one.reached(RecordProgress(0, ""), by: ids[1])
            try one.flush()
            let next = try one.changes(after: end)
            if next.numbers.isEmpty { break }
            end = next.position
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(
            taskStoreError { try fixture.open(role: .visitor).listChanges(for: .seconds(1)) }?.code
                == .refused)
    }

    @Test(
        "A position that is ahead of the list does not hide later changes",
        arguments: [StoreUnderTest.sqliteFile, .sqliteDatabase])
    func ahead(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let one = try fixture.open()
        let ids = try one.append("r", .make())
        try one.listChanges(for: .seconds(60))
        let changes = try one.changes(after: "1000000")
        #expect(changes.numbers.isEmpty)
        one.started(ids[0])
        try one.flush()
        #expect(try one.changes(after: changes.position).numbers.count == 1)
    }
}
