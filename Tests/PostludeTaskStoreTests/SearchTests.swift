import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("The failures of a record, and the search for a request's records", .timeLimit(.minutes(10)))
struct SearchTests {
    @Test(
        "Each failed attempt is kept with its beginning and its error, also of earlier retries and of deaths; an attempt that does not count is not",
        arguments: StoreUnderTest.allCases)
    func failures(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let one = try fixture.open()
        let ids = try one.append("r", .make(), .make())
        func attempt(_ taskStore: any RecordStore, _ end: RecordEnd) throws {
            fixture.clock.advance(1)
            taskStore.started(ids[0])
            taskStore.ended(ids[0], end)
            try taskStore.flush()
        }
        func failure(_ attempt: Int, at seconds: Double, _ error: String) -> RecordFailure {
            RecordFailure(attempt: attempt, started: begin.addingTimeInterval(seconds), error: error)
        }
        let begin = fixture.clock.now
        #expect(try one.failures(of: ids[0]).isEmpty)
        try attempt(one, .retrying(error: "first"))
        let long = String(repeating: "ä", count: RecordFailure.errorLength)
        try attempt(one, .failed(error: long + "!"))
        var expected = [failure(1, at: 1, "first"), failure(2, at: 2, long)]
        #expect(try one.failures(of: ids[0]) == expected)
        #expect(try one.retry([ids[0]]) == [.changed])
        #expect(try one.claim().count == 1)
        try attempt(one, .unreadable(error: "another version", at: begin))
        #expect(try one.failures(of: ids[0]) == expected)

        let dead = try fixture.open()
        #expect(try dead.claim().count == 1)
        fixture.clock.advance(1)
        dead.started(ids[0])
        try dead.flush()
        fixture.die(dead)
        _ = try one.claim()
        let failures = try one.failures(of: ids[0])
        try #require(failures.count == 3)
        #expect(failures[2].attempt == 1 && failures[2].error.hasPrefix("its process died"))
        expected.append(failures[2])

        fixture.clock.advance(10)
        #expect(try one.claim().count == 1)
        try attempt(one, .done(result: nil))
        #expect(try one.failures(of: ids[0]) == expected)
        #expect(try one.failures(of: ids[1]).isEmpty)
        // They are removed with the record.
        one.ended(ids[1], .done(result: nil))
        let later = fixture.clock.now.addingTimeInterval(1)
        #expect(try one.removeOver(endedBefore: later, failedBefore: later, limit: 10) == 2)
        #expect(try one.failures(of: ids[0]).isEmpty)
        try one.close()
    }

    @Test("The last failures are kept", arguments: StoreUnderTest.allCases)
    func many(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let ids = try taskStore.append("r", .make())
        for number in 1...RecordFailure.limit + 3 {
            fixture.clock.advance(1)
            taskStore.started(ids[0])
            taskStore.ended(ids[0], .retrying(error: "\(number)"))
        }
        try taskStore.flush()
        let failures = try taskStore.failures(of: ids[0])
        #expect(failures.map(\.attempt) == Array(4...RecordFailure.limit + 3))
        try taskStore.close()
    }

    @Test("The records of a request are found, in their order", arguments: StoreUnderTest.allCases)
    func found(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        #expect(try taskStore.search(request: "r", within: .seconds(60)) == FoundRecords())
        let ids = try taskStore.append("r", .make(), .make("mail"))
        _ = try taskStore.append("another", .make())
        let later = try taskStore.append("r", .make())
        var found = try taskStore.search(request: "r", within: .seconds(60))
        #expect(found.records.map(\.id) == ids + later && found.isComplete)
        #expect(try taskStore.search(request: "", within: .seconds(60)) == FoundRecords())
        #expect(
            taskStoreError { _ = try taskStore.search(request: "r\0", within: .seconds(1)) }?.code == .refused
        )
        found = try taskStore.search(request: "r", within: .zero)
        #expect(found.records.isEmpty && !found.isComplete)
        try taskStore.close()
    }

    @Test("The search goes from range to range, skips gaps, and ends at its limit")
    func ranges() {
        func search(_ numbers: [Int64], of request: Set<Int64>) -> (FoundRecords, [ClosedRange<Int64>]) {
            var ranges: [ClosedRange<Int64>] = []
            let found = FoundRecords.search(ranges: 10, within: .seconds(60)) { end in
                numbers.filter { $0 <= end }.max()
            } _: { range in
                ranges.append(range)
                return numbers.filter { range.contains($0) && request.contains($0) }.sorted(by: >).map(
                    Self.record)
            }
            return (found, ranges)
        }
        let (found, ranges) = search([1, 2, 500, 501, 1000], of: [2, 500, 1000])
        #expect(found.records.map(\.number) == [2, 500, 1000] && found.isComplete)
        #expect(ranges == [991...1000, 492...501, -7...2])
        #expect(search([.min, .min + 3], of: [.min]).0.records.map(\.number) == [.min])
        let all = Array(1...Int64(FoundRecords.limit + 5))
        let (most, _) = search(all, of: Set(all))
        #expect(most.records.map(\.number) == Array(all.suffix(FoundRecords.limit)) && !most.isComplete)
    }

    private static func record(_ number: Int64) -> RecordSummary {
        RecordSummary(
            number: number, id: RecordID.make(at: 1), request: "r", position: 0, name: "charge",
            priority: .normal,
            state: .done, added: .now, due: .now, expires: nil, uniqueKey: nil, owner: nil, attempts: 1,
            started: nil, ended: nil, queue: nil, error: nil, route: "", deaths: 0)
    }
}
