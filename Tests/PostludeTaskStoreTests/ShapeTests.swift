import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("Shapes of records", .timeLimit(.minutes(10)))
struct ShapeTests {
    private static let first = RecordShape(name: "charge", version: 1, structure: #"{"a":"ü"}"#)
    private static let second = RecordShape(name: "charge", version: 2, structure: #"{"a":"ü"}"#)

    private static func record(_ shape: RecordShape?, _ change: (inout NewRecord) -> Void = { _ in })
        -> NewRecord
    {
        .make {
            $0.shape = shape
            change(&$0)
        }
    }

    @Test("A record has the number of its shape, in each process", arguments: StoreUnderTest.allCases)
    func numbers(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        try taskStore.register([Self.first, Self.second, Self.first])
        let ids = try taskStore.append(
            "r", Self.record(Self.first), Self.record(Self.second), Self.record(nil),
            Self.record(RecordShape(name: "charge", version: 3, structure: "")))
        let numbers = try ids.map { try taskStore.record($0)?.shape }
        #expect(numbers[2] == nil && numbers[3] == nil)
        let (first, second) = (try #require(numbers[0]), try #require(numbers[1]))
        #expect(try taskStore.shape(first) == Self.first && taskStore.shape(second) == Self.second)
        #expect(try taskStore.shape(second + 10) == nil)
        let other = try fixture.open()
        try other.register([Self.second])
        let id = try other.append("r", Self.record(Self.second))[0]
        #expect(try other.record(id)?.shape == second)
        let firing = try other.fire(
            "s", at: fixture.clock.now, NewRequest(id: "f", records: [Self.record(Self.second)]))
        #expect(try other.record(try #require(firing?.first?.id))?.shape == second)
        var versions: [RecordID: Int] = [:]
        _ = try store.driver.readContents(of: fixture.place) { page in
            for content in page { versions[content.id] = content.version }
            return true
        }
        #expect(ids.map { versions[$0] } == [1, 2, 1, 1])
        try other.close()
        try taskStore.close()
    }

    @Test("Shapes that are left are not claimed, by this process only", arguments: StoreUnderTest.allCases)
    func leaving(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (taskStore, other) = (try fixture.open(), try fixture.open())
        try taskStore.register([Self.first, Self.second])
        let left = try taskStore.append("left", Self.record(Self.first), runsHere: false)
        let number = try #require(try taskStore.record(left[0])?.shape)
        taskStore.leave([number])
        #expect(try taskStore.nextDue() == nil)
        #expect(try taskStore.claim().isEmpty)
        let own = try taskStore.append("own", Self.record(Self.second), runsHere: false)
        let without = try taskStore.append("without", Self.record(nil), runsHere: false)
        #expect(try taskStore.nextDue() == fixture.clock.now)
        #expect(try taskStore.claimedIDs() == [own, without])
        #expect(try other.nextDue() == fixture.clock.now)
        #expect(try other.claimedIDs() == [left])
        try other.close()
        taskStore.leave([])
        #expect(try taskStore.claimedIDs() == [left])
        try taskStore.close()
    }

    @Test("A suspect of a shape that is left is not claimed", arguments: StoreUnderTest.allCases)
    func suspects(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let first = try fixture.open()
        try first.register([Self.first])
        let id = try first.append("r", Self.record(Self.first))[0]
        first.started(id)
        try first.flush()
        let number = try #require(try first.record(id)?.shape)
        fixture.die(first)
        let second = try fixture.open()
        second.leave([number])
        #expect(try second.claim().isEmpty)
        fixture.clock.advance(60)
        #expect(try second.nextDue() == nil)
        #expect(try second.claim().isEmpty)
        second.leave([])
        #expect(try second.claimedIDs() == [[id]])
        try second.close()
    }

    @Test("An attempt at a record that cannot be read does not count", arguments: StoreUnderTest.allCases)
    func unreadable(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let ids = try taskStore.append("r", .make(), .make())
        let due = fixture.clock.now.addingTimeInterval(5)
        taskStore.started(ids[0])
        for id in ids { taskStore.ended(id, .unreadable(error: "e", at: due)) }
        try taskStore.flush()
        for id in ids {
            let record = try #require(try taskStore.record(id))
            #expect(record.state == .waiting && record.owner == nil && record.attempts == 0)
            #expect(record.due == due && record.error == "e")
        }
        fixture.clock.advance(5)
        #expect(try taskStore.claimedIDs() == [ids])
        try taskStore.close()
    }

    @Test("Counts what waits although its shape was noted as unreadable", arguments: StoreUnderTest.allCases)
    func counts(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        try taskStore.register([Self.first, Self.second])
        let start = fixture.clock.now
        let ids = try taskStore.append(
            "r", Self.record(Self.first), Self.record(Self.first), Self.record(Self.second),
            Self.record(Self.first) { $0.notBefore = start.addingTimeInterval(1000) }, runsHere: false)
        func counts(_ seconds: Double = 60) throws -> [String: Int] {
            let time = start.addingTimeInterval(seconds)
            return try taskStore.unreadable(dueBefore: time, notedBefore: time)
        }
        #expect(try counts().isEmpty)
        let number = try #require(try taskStore.record(ids[0])?.shape)
        taskStore.noteUnreadable(number)
        try taskStore.flush()
        #expect(try counts(0).isEmpty)
        #expect(try counts() == ["charge": 2])
        #expect(try counts(2000) == ["charge": 3])
        let other = try fixture.open()
        try other.register([Self.second])
        #expect(try counts() == ["charge": 2])
        try other.register([Self.first])
        #expect(try counts().isEmpty, "a process can read them")
        taskStore.noteUnreadable(number)
        try taskStore.flush()
        #expect(try counts() == ["charge": 2])
        _ = try taskStore.claim()
        #expect(try counts().isEmpty)
        try other.close()
        try taskStore.close()
    }
}
