import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("Steps and progress of records", .timeLimit(.minutes(10)))
struct StepsTests {
    private func step(_ name: String, _ position: Int, _ value: String = "{}") -> RecordStep {
        RecordStep(name: name, position: position, value: Data(value.utf8))
    }

    @Test(
        "What is kept is there for the next owner, in the order of the positions; a second value replaces the first",
        arguments: StoreUnderTest.allCases)
    func kept(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let one = try fixture.open()
        let ids = try one.append("r", .make(), .make())
        #expect(try one.steps(of: ids[0]).isEmpty)
        one.started(ids[0])
        try one.keep(step("mail", 1, "\"ä\""), of: ids[0])
        try one.keep(step("charge", 0, "7"), of: ids[0])
        try one.keep(step("mail", 1, "null"), of: ids[0])
        // Before its attempt has begun, too.
        try one.keep(step("mail", 0), of: ids[1])
        fixture.die(one)
        let two = try fixture.open()
        #expect(try two.steps(of: ids[0]) == [step("charge", 0, "7"), step("mail", 1, "null")])
        #expect(try two.steps(of: ids[1]) == [step("mail", 0)])
        _ = try two.claim()
        fixture.clock.advance(10)
        #expect(try two.claimedIDs() == [ids])
        try two.keep(step("ship", 2), of: ids[0])
        #expect(try two.steps(of: ids[0]).map(\.name) == ["charge", "mail", "ship"])
        try two.close()
    }

    @Test(
        "Nothing is kept by a process that does not own the record, or for one that is over",
        arguments: StoreUnderTest.allCases)
    func refused(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (one, two) = (try fixture.open(), try fixture.open())
        let visitor = try fixture.open(role: .visitor)
        let ids = try one.append("r", .make(), .make())
        for other in [two, visitor] {
            #expect(taskStoreError { try other.keep(step("a", 0), of: ids[0]) }?.code == .refused)
        }
        one.started(ids[0])
        one.ended(ids[0], .done(result: nil))
        one.ended(ids[1], .postponed(until: fixture.clock.now, isKept: false))
        for id in ids {
            #expect(taskStoreError { try one.keep(step("a", 0), of: id) }?.code == .refused)
            #expect(try one.steps(of: id).isEmpty)
        }
        // Taken over by another process.
        #expect(try two.claimedIDs() == [[ids[1]]])
        #expect(taskStoreError { try one.keep(step("a", 0), of: ids[1]) }?.code == .refused)
        try two.keep(step("a", 0), of: ids[1])
        #expect(taskStoreError { try two.keep(step("a\0", 0), of: ids[1]) }?.code == .refused)
        #expect(try two.steps(of: ids[1]) == [step("a", 0)])
        for each in [one, two, visitor] { try each.close() }
    }

    @Test(
        "A dead letter is retried with its steps; a record that is done, without them",
        arguments: StoreUnderTest.allCases, [false, true])
    func retried(store: StoreUnderTest, fails: Bool) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let id = try taskStore.append("r", .make())[0]
        taskStore.started(id)
        try taskStore.keep(step("charge", 0), of: id)
        taskStore.reached(RecordProgress(0.5, "half"), by: id)
        taskStore.ended(id, fails ? .failed(error: "no") : .done(result: nil))
        try taskStore.flush()
        #expect(try taskStore.steps(of: id).count == 1)
        #expect(try taskStore.retry([id]) == [.changed])
        #expect(try taskStore.steps(of: id).count == (fails ? 1 : 0))
        #expect(try taskStore.record(id)?.progress == nil)
        try taskStore.close()
    }

    @Test("Steps and progress are removed with their record", arguments: StoreUnderTest.allCases)
    func removed(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let id = try taskStore.append("r", .make())[0]
        try taskStore.keep(step("charge", 0), of: id)
        taskStore.reached(RecordProgress(0.5, "half"), by: id)
        taskStore.ended(id, .done(result: nil))
        try taskStore.flush()
        fixture.clock.advance(60)
        let now = fixture.clock.now
        #expect(try taskStore.removeOver(endedBefore: now, failedBefore: now) == 1)
        #expect(try taskStore.steps(of: id).isEmpty && taskStore.record(id) == nil)
        try taskStore.close()
    }

    @Test(
        "The last report of a record's progress is in queries and lists; after its end there is none",
        arguments: StoreUnderTest.allCases)
    func progress(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (one, two) = (try fixture.open(), try fixture.open())
        let ids = try one.append("r", .make(), .make())
        one.started(ids[0])
        for page in 1...3 { one.reached(RecordProgress(Double(page) / 4, "page \(page) of 4"), by: ids[0]) }
        two.reached(RecordProgress(0.9, "not mine"), by: ids[0])
        try two.flush()
        try one.flush()
        let expected = RecordProgress(0.75, "page 3 of 4")
        #expect(try two.record(ids[0])?.progress == expected && one.record(ids[1])?.progress == nil)
        #expect(try one.list().records.map(\.progress) == [nil, expected])
        one.ended(ids[0], .done(result: nil))
        one.reached(RecordProgress(1, "late"), by: ids[0])
        #expect(try one.state(of: ids[0]) == .done)
        #expect(try one.record(ids[0])?.progress == expected)
        try one.close()
        try two.close()
    }

    @Test("A report is a fraction and a short text")
    func reports() {
        for (fraction, taken) in [(0.4, 0.4), (-1, 0), (2, 1), (.nan, 0), (.infinity, 1)] {
            let progress = RecordProgress(fraction, "page 3 of 8")
            #expect(progress.fraction == taken && RecordProgress(progress.text) == progress)
        }
        let long = RecordProgress(0.1, String(repeating: "ä", count: 300))
        #expect(long.message.count == 200 && RecordProgress(long.text) == long)
        #expect(RecordProgress(0.1, "a\0b").message == "a\u{fffd}b")
        #expect(RecordProgress(RecordProgress(0.1, "").text)?.message == "")
        for text in ["", "0.1", "x y"] { #expect(RecordProgress(text) == nil) }
    }

    @Test(
        "After kill -9 at any moment, each step that was acknowledged is kept",
        arguments: StoreUnderTest.allCases)
    func killed(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.openNow()
        for _ in 0..<5 {
            let helper = try StoreProcess("steps", fixture)
            let id = try #require(helper.line().flatMap { RecordID($0) })
            var names: [String] = []
            for _ in 0..<Int.random(in: 1...20) {
                guard let name = helper.line() else { break }
                names.append(name)
            }
            helper.die()
            names += helper.lines()
            let kept = try taskStore.steps(of: id).map(\.name)
            #expect(kept.starts(with: names) && kept.count <= names.count + 1)
        }
        try taskStore.close()
    }
}
