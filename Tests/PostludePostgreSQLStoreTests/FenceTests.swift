import Foundation
import PostludePostgreSQLStore
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("A process that was declared dead", .timeLimit(.minutes(10)))
struct FenceTests {
    @Test("It can note nothing about what it had, and goes on as a new owner")
    func fence() throws {
        let fixture = try PostgreSQLFixture()
        let taskStore = try fixture.open()
        let ids = try taskStore.append("r", .make(), .make())
        let old = try #require(taskStore.owner)
        // As another process does it that has found the lock free.
        _ = try fixture.query(
            """
            UPDATE postlude.owner SET is_dead = true WHERE number = \(old);
            UPDATE postlude.record SET owner = NULL WHERE owner = \(old)
            """)
        taskStore.started(ids[0])
        taskStore.ended(ids[0], .done(result: nil))
        taskStore.ended(ids[1], .failed(error: "no"))
        let step = RecordStep(name: "charge", position: 0, value: Data("7".utf8))
        #expect(taskStoreError { try taskStore.keep(step, of: ids[0]) }?.code == .refused)
        taskStore.reached(RecordProgress(0.5, "half"), by: ids[0])
        let new = try taskStore.append("new", .make())[0]
        let owner = try #require(taskStore.owner)
        #expect(owner > old)
        #expect(try taskStore.record(new)?.owner == owner)
        for id in ids { #expect(try taskStore.state(of: id) == .waiting) }
        #expect(try taskStore.steps(of: ids[0]).isEmpty && taskStore.record(ids[0])?.progress == nil)
        // Not even late, by its new number.
        taskStore.ended(ids[0], .done(result: nil))
        #expect(try taskStore.state(of: ids[0]) == .waiting)
        #expect(try taskStore.claimedIDs() == [ids])
        taskStore.ended(ids[0], .done(result: nil))
        #expect(try taskStore.state(of: ids[0]) == .done)
        try taskStore.close()
        #expect(try fixture.owners() == [])
    }

    @Test("A process whose sessions are ended by the administrator stays the same owner")
    func terminated() throws {
        let fixture = try PostgreSQLFixture()
        let (taskStore, other) = (try fixture.open(), try fixture.open())
        let ids = try taskStore.append("r", .make())
        let (owner, another) = (taskStore.owner, other.owner)
        for _ in 0..<5 {
            _ = try fixture.query(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                """)
            #expect(try other.claim().isEmpty)
        }
        taskStore.started(ids[0])
        taskStore.ended(ids[0], .done(result: nil))
        #expect(try taskStore.state(of: ids[0]) == .done)
        #expect(taskStore.owner == owner && other.owner == another)
        try taskStore.close()
        try other.close()
    }
}
