import Foundation
import PostludePostgreSQLStore
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("Commits that are on the server's disk", .timeLimit(.minutes(10)))
struct DurableCommitTests {
    /// Lets the database note the setting with which each transaction of the task store is committed.
    private func watch(_ fixture: PostgreSQLFixture) throws {
        try fixture.openNow().close()
        _ = try fixture.query(
            """
            CREATE TABLE public.seen (what text NOT NULL, setting text NOT NULL);
            CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO public.seen VALUES (TG_OP || ' ' || TG_TABLE_NAME, current_setting('synchronous_commit'));
                RETURN NULL;
            END $$;
            CREATE CONSTRAINT TRIGGER see AFTER INSERT OR UPDATE ON postlude.record DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION public.see();
            CREATE CONSTRAINT TRIGGER see AFTER INSERT ON postlude.answer DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION public.see();
            CREATE CONSTRAINT TRIGGER see AFTER INSERT ON postlude.firing DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION public.see();
            """)
    }

    /// Makes every kind of promise: records, an answer, a firing, and the ends of records.
    private func promise(_ taskStore: any RecordStore, _ round: Int = 0) throws {
        let ids = try taskStore.append("r", .make(), .make())
        let key = try #require(IdempotencyKey(route: "POST /", principals: [], key: "\(round)"))
        guard case .first(let lock) = try taskStore.begin(key) else { throw CancellationError() }
        var request = NewRequest(id: "answered", records: [.make()])
        request.answer = NewAnswer(
            StoredAnswer(
                fingerprint: [], status: 200, head: .init(reason: "OK", contentType: nil, fields: []),
                body: Data(), expires: Date(timeIntervalSinceNow: 600)), for: key)
        _ = try taskStore.append(request)
        withExtendedLifetime(lock) {}
        _ = try taskStore.fire(
            "hourly", at: Date(timeIntervalSince1970: 3_600 * Double(round)),
            NewRequest(id: "fired", records: [.make()]))
        taskStore.started(ids[0])
        taskStore.ended(ids[0], .done(result: nil))
        try taskStore.flush()
        _ = try taskStore.claim()
        _ = try taskStore.discard([ids[1]])
    }

    /// Returns the settings with which transactions were committed, and of how many kinds these were.
    private func seen(_ fixture: PostgreSQLFixture) throws -> (settings: [String], kinds: Int) {
        let kinds = try fixture.query("SELECT DISTINCT what FROM public.seen").count
        return (try fixture.query("SELECT DISTINCT setting FROM public.seen ORDER BY 1"), kinds)
    }

    @Test(
        "A commit is synced, also if the role, the database or the address say otherwise",
        arguments: ["off", "local", "on", "remote_write", "remote_apply"])
    func settings(_ value: String) throws {
        let expected = ["off": "on", "local": "on"][value] ?? value
        let fixture = try PostgreSQLFixture()
        try watch(fixture)
        let role = "role_\(fixture.database)"
        _ = try fixture.query(
            "CREATE ROLE \(role) SUPERUSER LOGIN; ALTER ROLE \(role) SET synchronous_commit = \(value)")
        let ofRole = fixture.place.replacing("user=postgres", with: "user=\(role)")
        let ofAddress = fixture.place + " options='-c synchronous_commit=\(value)'"
        for (round, place) in [ofRole, ofAddress].enumerated() {
            let taskStore = try PostgreSQLTaskStore(address: place)
            try promise(taskStore, round)
            try taskStore.close()
        }
        _ = try fixture.query("ALTER DATABASE \(fixture.database) SET synchronous_commit = \(value)")
        let taskStore = try fixture.openNow()
        try promise(taskStore, 2)
        try taskStore.close()
        let seen = try seen(fixture)
        #expect(seen.settings == [expected] && seen.kinds == 4)
        _ = try fixture.query("DROP ROLE \(role)")
    }

    @Test("A server whose settings change while the task store is open still syncs its commits")
    func reload() throws {
        let server = try PostgreSQLServer()
        let fixture = try PostgreSQLFixture(on: server)
        try watch(fixture)
        let taskStore = try fixture.openNow()
        try promise(taskStore)
        _ = try fixture.query("ALTER SYSTEM SET synchronous_commit = off")
        _ = try fixture.query("SELECT pg_reload_conf()")
        // A new session sees the change; those that are open are told at the same time.
        while try fixture.query("SHOW synchronous_commit") != ["off"] { usleep(10_000) }
        for round in 1...20 {
            try promise(taskStore, round)
            usleep(10_000)
        }
        try taskStore.close()
        let seen = try seen(fixture)
        #expect(seen.settings == ["on"] && seen.kinds == 4)
    }
}
