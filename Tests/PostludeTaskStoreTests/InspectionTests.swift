import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("Inspecting records", .timeLimit(.minutes(10)))
struct InspectionTests {
    @Test("Pages of records, the newest first, with any filter", arguments: StoreUnderTest.allCases)
    func paging(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        for number in 0..<60 {
            let record = NewRecord.make(number % 3 == 0 ? "mail" : "charge") {
                $0.priority = RecordPriority.allCases[number % 3]
                if number % 5 == 0 { $0.queue = "q" }
            }
            let id = try taskStore.append("\(number)", record)[0]
            if number % 4 == 0 { taskStore.ended(id, .failed(error: "e")) }
        }
        try taskStore.flush()
        func all(_ filter: RecordFilter, limit: Int) throws -> [RecordSummary] {
            var records: [RecordSummary] = []
            var after: Int64?
            repeat {
                let page = try taskStore.list(filter, after: after, limit: limit)
                #expect(page.records.count <= limit)
                records += page.records
                after = page.next
            } while after != nil
            return records
        }
        let everything = try all(RecordFilter(), limit: 7)
        #expect(everything.map(\.request) == (0..<60).reversed().map(String.init))
        let filters = [
            RecordFilter(states: [.failed]), RecordFilter(name: "mail"), RecordFilter(priority: .high),
            RecordFilter(states: [.waiting, .outgoing], name: "charge"),
            RecordFilter(states: [.failed], priority: .low),
            RecordFilter(states: [.failed], name: "mail", priority: .high), RecordFilter(name: "none"),
            RecordFilter(states: []), RecordFilter(states: [.done]),
        ]
        for filter in filters {
            let expected = everything.filter {
                (filter.states?.contains($0.state) ?? true) && $0.name == filter.name ?? $0.name
                    && $0.priority == filter.priority ?? $0.priority
            }
            for limit in [1, 5, 100] { #expect(try all(filter, limit: limit) == expected, "\(filter)") }
            var lines: [String] = []
            try taskStore.export(filter) { lines.append($0) }
            #expect(lines.count == expected.count)
        }
        try taskStore.close()
    }

    @Test("Counts for each name and state, and the oldest due record", arguments: StoreUnderTest.allCases)
    func counts(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        #expect(try taskStore.counts() == TaskStoreCounts())
        let start = fixture.clock.now
        let ids = try taskStore.append(
            "r", .make(), .make("mail"), .make { $0.notBefore = start.addingTimeInterval(50) })
        taskStore.ended(ids[1], .done(result: nil))
        try taskStore.flush()
        #expect(try taskStore.counts().names == ["charge": [.waiting: 2], "mail": [.done: 1]])
        #expect(try taskStore.counts().oldestDue == start)
        taskStore.ended(ids[0], .done(result: nil))
        try taskStore.flush()
        #expect(try taskStore.counts().oldestDue == nil)
        fixture.clock.advance(60)
        #expect(try taskStore.counts().oldestDue == start.addingTimeInterval(50))
        try taskStore.close()
    }

    @Test(
        "Export: a line of JSON for each record, with payload and result unchanged, whatever they contain",
        arguments: StoreUnderTest.allCases)
    func export(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        var odd = NewRecord(
            name: "quote\" \u{1} ü\n", payload: Data("{\n \"a\" : [1, 2.50,\r\n\"x\\ny\"] }".utf8))
        odd.uniqueKey = "k"
        odd.expires = fixture.clock.now.addingTimeInterval(1.5)
        let broken = NewRecord(name: "broken", payload: Data("{nonsense".utf8))
        let ids = try taskStore.append("r", odd, broken, .make { $0.queue = "q" })
        taskStore.started(ids[0])
        taskStore.ended(ids[0], .done(result: Data("[ true ]".utf8)))
        try taskStore.flush()
        var lines: [String] = []
        try taskStore.export { lines.append($0) }
        #expect(lines.count == 3 && !lines.contains { $0.contains("\n") })
        let objects = try lines.map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        #expect(objects.map { $0["id"] as? String } == ids.map(\.text))
        #expect(objects[0]["name"] as? String == odd.name && objects[0]["state"] as? String == "done")
        #expect(objects[0]["added"] as? String == "2027-01-15T08:00:00.000Z")
        #expect(objects[0]["expires"] as? String == "2027-01-15T08:00:01.500Z")
        #expect(
            lines[0].contains(#""payload":{"a":[1,2.50,"x\ny"]}"#) && lines[0].contains(#""result":[true]"#))
        #expect(objects[1]["payload"] as? String == "{nonsense" && objects[2]["queue"] as? String == "q")
        #expect(objects[2]["state"] as? String == "outgoing" && objects[2]["error"] is NSNull)
        struct Enough: Error {}
        #expect(throws: Enough.self) { try taskStore.export { _ in throw Enough() } }
        try taskStore.close()
    }

    @Test("A slow reader in the middle of an export delays no writer", arguments: StoreUnderTest.allCases)
    func slowReader(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open(lockTimeout: .seconds(2))
        for number in 0..<20 { _ = try taskStore.append("\(number)", .make()) }
        var lines = 0
        try taskStore.export { _ in
            lines += 1
            if lines == 1 {
                for number in 0..<500 { _ = try taskStore.append("during \(number)", .make()) }
            }
        }
        #expect(lines == 520)
        try taskStore.close()
    }
}
