import Foundation
import GRDB
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@testable import PostludeSQLiteStore

@Suite("Beginnings of attempts", .timeLimit(.minutes(10)))
struct BeginningTests {
    @Test("An attempt that ends before its beginning is written is written with one change")
    func together() throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        let id = try taskStore.append("r", .make())[0]
        let changes = changes(of: taskStore)
        let other = try OtherWriter(fixture)
        let start = fixture.clock.now
        taskStore.started(id)
        fixture.clock.advance(5)
        taskStore.ended(id, .done(result: Data("7".utf8)))
        try other.end()
        try taskStore.flush()
        #expect(self.changes(of: taskStore) == changes + 1)
        let record = try #require(try taskStore.record(id))
        #expect(record.state == .done && record.attempts == 1 && record.result == Data("7".utf8))
        #expect(record.started == start && record.ended == start.addingTimeInterval(5))
        #expect(record.owner == nil && record.error == nil)
        try taskStore.close()
    }

    @Test("Attempts that fail count, whether their beginnings are written or not")
    func retries() throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        let id = try taskStore.append("r", .make())[0]
        let other = try OtherWriter(fixture)
        for _ in 1...3 {
            taskStore.started(id)
            taskStore.ended(id, .retrying(error: "busy"))
        }
        taskStore.started(id)
        taskStore.ended(id, .done(result: nil))
        try other.end()
        #expect(try taskStore.state(of: id) == .done)
        #expect(try taskStore.record(id)?.attempts == 4)
        try taskStore.close()
    }

    @Test("A beginning is written alone, or with its end, and again if its transaction is lost")
    func beginning() {
        let alone = Beginning(at: 1)
        #expect(alone.take() && !alone.join() && alone.take())
        let joined = Beginning(at: 1)
        #expect(joined.join() && !joined.take() && !joined.join())
    }

    /// How many rows the writer's connection has changed.
    private func changes(of taskStore: SQLiteTaskStore) -> Int {
        taskStore.pool.writeWithoutTransaction { $0.totalChangesCount }
    }
}
