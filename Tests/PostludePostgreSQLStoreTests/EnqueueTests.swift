import Foundation
import PostludePostgreSQLStore
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("postlude.enqueue", .timeLimit(.minutes(10)))
struct EnqueueTests {
    @Test("A task that another client enqueues is there when its transaction commits")
    func transaction() throws {
        let fixture = try PostgreSQLFixture()
        let taskStore = try fixture.openNow()
        _ = try fixture.query("BEGIN; SELECT postlude.enqueue('charge', '{\"order\": 7}'); ROLLBACK")
        #expect(try taskStore.list().records.isEmpty)
        let ids = try fixture.query(
            """
            BEGIN; SELECT postlude.enqueue('charge', '{"order": 7}', stops => true);
            SELECT postlude.enqueue('receipt', priority => 'high'); COMMIT
            """)
        let claimed = try taskStore.claim()
        #expect(claimed.count == 1 && claimed.first?.records.map(\.id.text) == ids)
        #expect(claimed.first?.records.map(\.name) == ["charge", "receipt"])
        #expect(claimed.first?.records.map(\.priority) == [.normal, .high])
        #expect(claimed.first?.records.map(\.stopsOnFailure) == [true, false])
        #expect(claimed.first.map { String(decoding: $0.records[0].payload, as: UTF8.self) } == "{\"order\": 7}")
        try taskStore.close()
    }
}
