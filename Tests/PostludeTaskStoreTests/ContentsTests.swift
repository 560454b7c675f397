import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("Reading what a program has to decode", .timeLimit(.minutes(10)))
struct ContentsTests {
    private func contents(_ fixture: any RecordStoreFixture) throws -> [RecordContent] {
        var all: [RecordContent] = []
        let isThere = try fixture.kind.driver.readContents(of: fixture.place) { page in
            all += page
            return true
        }
        return isThere ? all : []
    }

    @Test("Open records and dead letters, and no others", arguments: StoreUnderTest.allCases)
    func states(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let start = fixture.clock.now
        let ids = try taskStore.append(
            "r", .make { $0.payload = Data(#"{"a":"ü"}"#.utf8) }, .make("mail") { $0.queue = "q" },
            .make { $0.notBefore = start.addingTimeInterval(1000) }, .make("dead"), .make("done"),
            .make("runs"))
        taskStore.ended(ids[3], .failed(error: "e"))
        taskStore.ended(ids[4], .done(result: nil))
        taskStore.started(ids[5])
        try taskStore.flush()
        let found = try contents(fixture)
        #expect(Set(found.map(\.id)) == Set(ids).subtracting([ids[4]]))
        #expect(found.first { $0.id == ids[0] }?.payload == Data(#"{"a":"ü"}"#.utf8))
        #expect(found.filter(\.isForQueue).map(\.id) == [ids[1]])
        #expect(found.allSatisfy { $0.deaths == 0 })
        try taskStore.close()
        #expect(try contents(fixture).count == 5, "also without a process")
    }

    @Test("Several pages; the reader may stop", arguments: StoreUnderTest.allCases)
    func pages(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let records = (0..<2500).map { NewRecord.make("kind \($0 % 3)") }
        let ids = try taskStore.append(NewRequest(id: "r", records: records)).map(\.id)
        #expect(Set(try contents(fixture).map(\.id)) == Set(ids))
        var pages = 0
        _ = try store.driver.readContents(of: fixture.place) { _ in
            pages += 1
            return false
        }
        #expect(pages == 1)
        try taskStore.close()
    }

    @Test("A record whose process has died says so", arguments: StoreUnderTest.allCases)
    func deaths(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let first = try fixture.open()
        let id = try first.append("r", .make())[0]
        first.started(id)
        try first.flush()
        fixture.die(first)
        let second = try fixture.open()
        _ = try second.claim()
        #expect(try contents(fixture).map(\.deaths) == [1])
        try second.close()
    }

    @Test("No store, and nothing is made", arguments: StoreUnderTest.allCases)
    func none(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        #expect(try !store.driver.readContents(of: fixture.place) { _ in true })
        #expect(throws: TaskStoreError.self) { try fixture.open(role: .visitor) }
    }
}
