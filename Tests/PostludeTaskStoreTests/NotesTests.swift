import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("Notes of attempts", .timeLimit(.minutes(10)))
struct NotesTests {
    @Test(
        "An attempt whose beginning is written counts once", arguments: StoreUnderTest.allCases,
        [false, true])
    func apart(store: StoreUnderTest, fails: Bool) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let id = try taskStore.append("r", .make())[0]
        taskStore.started(id)
        #expect(try taskStore.state(of: id) == .running)
        taskStore.ended(id, fails ? .failed(error: "no") : .done(result: nil))
        #expect(try taskStore.state(of: id) == (fails ? .failed : .done))
        #expect(try taskStore.record(id)?.attempts == 1)
        try taskStore.close()
    }

    @Test(
        "Attempts that fail count, whether their beginnings are written or not",
        arguments: StoreUnderTest.allCases, [false, true])
    func retries(store: StoreUnderTest, flushes: Bool) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let id = try taskStore.append("r", .make())[0]
        for _ in 1...3 {
            taskStore.started(id)
            if flushes { try taskStore.flush() }
            taskStore.ended(id, .retrying(error: "busy"))
        }
        taskStore.started(id)
        taskStore.ended(id, .done(result: nil))
        #expect(try taskStore.state(of: id) == .done)
        #expect(try taskStore.record(id)?.attempts == 4)
        try taskStore.close()
    }

    @Test("Deferred updates are also written alone", arguments: StoreUnderTest.allCases)
    func notesAlone(store: StoreUnderTest) async throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let id = try taskStore.append("r", .make())[0]
        taskStore.started(id)
        while try taskStore.record(id)?.state != .running { await Task.yield() }
        try taskStore.close()
    }

    @Test("A closed task store says so, and deferred updates are written", arguments: StoreUnderTest.allCases)
    func closed(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let id = try taskStore.append("r", .make())[0]
        taskStore.ended(id, .failed(error: "no"))
        try taskStore.close()
        #expect(taskStoreError { _ = try taskStore.append("r", .make()) }?.code == .closed)
        let next = try fixture.open()
        #expect(try next.record(id)?.state == .failed)
        try next.close()
    }
}
