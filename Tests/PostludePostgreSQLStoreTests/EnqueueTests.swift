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
        #expect(
            claimed.first.map { String(decoding: $0.records[0].payload, as: UTF8.self) } == "{\"order\": 7}")
        try taskStore.close()
    }

    @Test("Its arguments are those of a handler's task; wrong ones are refused")
    func arguments() throws {
        let fixture = try PostgreSQLFixture()
        let taskStore = try fixture.openNow()
        let first = try fixture.query("SELECT postlude.enqueue('mail', unique_key => 'k', delay => '1 hour')")
        #expect(try fixture.query("SELECT postlude.enqueue('mail', unique_key => 'k')") == first)
        let id = try #require(RecordID(first[0]))
        let record = try #require(try taskStore.record(id))
        #expect(record.due.timeIntervalSince(record.added).rounded() == 3600 && record.uniqueKey == "k")
        let sent = try fixture.query(
            "SELECT postlude.enqueue('mail', queue => 'mails', expires => now() + '1 h')")
        #expect(try taskStore.record(try #require(RecordID(sent[0])))?.state == .outgoing)
        for wrong in [
            "NULL", "'a', NULL", "'a', priority => 'urgent'", "'a', scope => 'always'",
            "'a', delay => '1 s', not_before => now()",
        ] {
            #expect(throws: (any Error).self) { try fixture.query("SELECT postlude.enqueue(\(wrong))") }
        }
        _ = try fixture.query(
            "BEGIN; SET LOCAL postlude.block = 655360; SELECT postlude.enqueue('mail'); COMMIT")
        #expect(try taskStore.list(limit: 1).records.first?.position == 0)
        let once = "SELECT postlude.enqueue('once', unique_key => 'k', scope => 'stored')"
        let only = try fixture.query(once)
        for request in try taskStore.claim() {
            for record in request.records { taskStore.ended(record.id, .done(result: nil)) }
        }
        try taskStore.flush()
        #expect(try fixture.query(once) == only)
        try taskStore.close()
    }

    @Test("A transaction that holds a key delays only those that want that key")
    func openTransaction() async throws {
        let fixture = try PostgreSQLFixture()
        let taskStore = try fixture.openNow()
        async let holder = onThread {
            try fixture.query(
                "BEGIN; SELECT postlude.enqueue('mail', unique_key => 'k'); SELECT pg_sleep(2); COMMIT")
        }
        let holds =
            "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(2)%' AND wait_event = 'PgSleep'"
        while try fixture.query(holds).isEmpty { usleep(10_000) }
        let keyed = NewRecord.make("mail") { $0.uniqueKey = "k" }
        async let second = onThread { try taskStore.append(NewRequest(id: "2", records: [keyed])) }
        for number in 0..<20 { _ = try taskStore.append("\(number)", .make()) }
        #expect(try !fixture.query(holds).isEmpty, "the others did not wait")
        let held = try await holder
        #expect(try await second.map(\.id.text) == [held[0]])
        try taskStore.close()
    }
}
