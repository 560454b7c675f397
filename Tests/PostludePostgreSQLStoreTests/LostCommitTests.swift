import Foundation
import PostludePostgreSQLStore
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("Commits whose result is lost", .timeLimit(.minutes(10)), .serialized)
struct LostCommitTests {
    private final class Connection: ApplicationConnection {
        let transaction: OpenTransaction
        init(_ transaction: OpenTransaction) { self.transaction = transaction }
    }

    private let server: PostgreSQLServer
    private let fixture: PostgreSQLFixture

    init() throws {
        server = try PostgreSQLServer()
        fixture = try PostgreSQLFixture(on: server)
    }

    private func open(lockTimeout: Duration = .seconds(60)) throws -> PostgreSQLTaskStore {
        var settings = TaskStoreSettings()
        settings.lockTimeout = lockTimeout
        let driver = PostgreSQLDriver(.connections(limit: 4, as: Connection.self))
        let store = try driver.open(fixture.place, role: .process, settings: settings)
        // The trigger waits at the commit.
        _ = try fixture.query(
            """
            CREATE TABLE placed (label text PRIMARY KEY);
            CREATE FUNCTION wait_long() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(3600); RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON placed DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
                WHEN (NEW.label = 'waits') EXECUTE FUNCTION wait_long()
            """)
        return try #require(store as? PostgreSQLTaskStore)
    }

    private static func place(
        _ label: String, in store: PostgreSQLTaskStore, hasRecord: Bool = true
    ) throws -> [AppendResult] {
        try store.transaction(.write) { transaction in
            let connection = try #require(transaction.handle as? Connection)
            _ = try connection.transaction.run("INSERT INTO placed VALUES ($1)", [label])
            guard hasRecord else { return [] }
            return try transaction.append(NewRequest(id: label, records: [.make()]))
        }
    }

    /// Waits until a session commits.
    private func awaitCommit(_ event: String) async throws {
        let sql = "SELECT pid FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event = '\(event)'"
        while try fixture.query(sql).isEmpty { try await Task.sleep(for: .milliseconds(10)) }
    }

    private static let end =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event IS NOT NULL"

    @Test("If the session ends before the commit, nothing is there, and the error says so")
    func before() async throws {
        let store = try open()
        async let result = onThread { taskStoreError { _ = try Self.place("waits", in: store) } }
        try await awaitCommit("PgSleep")
        _ = try fixture.query(Self.end)
        let error = try #require(try await result)
        #expect(error.isTemporary && !error.reason.contains("not known"), "\(error)")
        #expect(try fixture.query("SELECT * FROM placed").isEmpty)
        #expect(try store.list().records.isEmpty)
        _ = try Self.place("next", in: store)
        try store.close()
    }

    @Test(
        "If the session ends after the commit, everything is there, and the caller is told so",
        arguments: [true, false])
    func after(hasRecord: Bool) async throws {
        let store = try open()
        _ = try Self.place("first", in: store)
        // Commits are on the disk, and wait for a standby that does not exist.
        _ = try server.query("ALTER SYSTEM SET synchronous_standby_names = 'none'")
        _ = try server.query("SELECT pg_reload_conf()")
        while try server.query("SHOW synchronous_standby_names") != ["none"] {
            try await Task.sleep(for: .milliseconds(10))
        }
        async let result = onThread { try Self.place("second", in: store, hasRecord: hasRecord) }
        try await awaitCommit("SyncRep")
        _ = try server.query(Self.end)
        _ = try server.query("ALTER SYSTEM RESET synchronous_standby_names")
        _ = try server.query("SELECT pg_reload_conf()")
        let results = try await result
        #expect(try fixture.query("SELECT label FROM placed ORDER BY 1") == ["first", "second"])
        #expect(results.count == (hasRecord ? 1 : 0))
        for result in results { #expect(try store.record(result.id)?.owner == store.owner) }
        try store.close()
    }

    @Test("If the server stops at once while it commits, and comes back, its answer tells what has happened")
    func stopped() async throws {
        let store = try open()
        async let result = onThread { taskStoreError { _ = try Self.place("waits", in: store) } }
        try await awaitCommit("PgSleep")
        try server.stop()
        try server.start()
        let error = try #require(try await result)
        #expect(error.isTemporary && !error.reason.contains("not known"), "\(error)")
        #expect(try fixture.query("SELECT * FROM placed").isEmpty)
        #expect(try store.list().records.isEmpty)
        try store.close()
    }

    @Test("While the server stays away, the result is unknown; what was committed nevertheless runs later")
    func unknown() async throws {
        let store = try open(lockTimeout: .milliseconds(300))
        _ = try Self.place("first", in: store)
        _ = try server.query("ALTER SYSTEM SET synchronous_standby_names = 'none'")
        _ = try server.query("SELECT pg_reload_conf()")
        while try server.query("SHOW synchronous_standby_names") != ["none"] {
            try await Task.sleep(for: .milliseconds(10))
        }
        async let result = onThread { taskStoreError { _ = try Self.place("second", in: store) } }
        try await awaitCommit("SyncRep")
        _ = try server.query("ALTER SYSTEM RESET synchronous_standby_names")
        try server.stop()
        let error = try #require(try await result)
        #expect(error.reason.contains("not known") && error.isTemporary, "\(error)")
        try server.start()
        #expect(try fixture.query("SELECT label FROM placed ORDER BY 1") == ["first", "second"])
        var claimed: [String] = []
        while claimed.isEmpty {
            claimed = ((try? store.claim()) ?? []).map(\.id)
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(claimed == ["second"])
        try store.close()
    }
}
