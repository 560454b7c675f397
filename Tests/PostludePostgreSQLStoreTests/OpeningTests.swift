import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@testable import PostludePostgreSQLStore

@Suite("Opening a task store in PostgreSQL", .timeLimit(.minutes(10)))
struct OpeningTests {
    @Test("The migrations are printed, applied once, and not needed by a process that may not change tables")
    func migrations() throws {
        let fixture = try PostgreSQLFixture()
        let driver = PostgreSQLDriver()
        #expect(taskStoreError { _ = try fixture.open(role: .visitor) }?.code == .missing)
        let sql = try driver.pendingMigrations(of: fixture.place)
        #expect(sql.contains("CREATE TABLE postlude.record"))
        _ = try fixture.query(
            """
            CREATE ROLE \(fixture.database) LOGIN
            """)
        let role = "host=\(fixture.server.folder) user=\(fixture.database) dbname=\(fixture.database)"
        let refused = taskStoreError { _ = try PostgreSQLTaskStore(address: role) }
        #expect(refused?.code == .notWritable && refused?.advice?.contains("tasks migrate") == true)
        // As the administrator applies what was printed.
        _ = try fixture.query(sql)
        #expect(
            try driver.pendingMigrations(of: fixture.place).isEmpty && driver.migrate(fixture.place).isEmpty)
        _ = try fixture.query(
            """
            GRANT USAGE ON SCHEMA postlude TO \(fixture.database);
            GRANT ALL ON ALL TABLES IN SCHEMA postlude TO \(fixture.database);
            GRANT ALL ON ALL SEQUENCES IN SCHEMA postlude TO \(fixture.database)
            """)
        let taskStore = try PostgreSQLTaskStore(address: role)
        _ = try taskStore.append("r", .make())
        try taskStore.close()
        _ = try fixture.query("INSERT INTO postlude.migration (version, name) VALUES (1000, 'later')")
        #expect(taskStoreError { _ = try fixture.open() }?.code == .newer)
        _ = try fixture.query("DROP OWNED BY \(fixture.database); DROP ROLE \(fixture.database)")
    }

    @Test("Processes that open a new task store at once make its tables once")
    func together() async throws {
        let fixture = try PostgreSQLFixture()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 { group.addTask { try await onThread { try fixture.openNow().close() } } }
            try await group.waitForAll()
        }
        #expect(
            try fixture.query("SELECT version FROM postlude.migration ORDER BY version")
                == StoreSchema.migrations.map { "\($0.version)" })
    }

    @Test("A place never contains the password, and neither does an error")
    func password() throws {
        let fixture = try PostgreSQLFixture()
        let taskStore = try PostgreSQLTaskStore(address: fixture.place + " password=secret")
        #expect(!taskStore.place.contains("secret") && taskStore.place.contains(fixture.database))
        try taskStore.close()
        for address in [
            "postgresql://shop:secret@127.0.0.1:1/shop", "password=secret host=127.0.0.1 port=1",
            "password='secret",
            "postgresql://shop:secret@[::1/shop",
        ] {
            let error = taskStoreError { _ = try PostgreSQLTaskStore(address: address) }
            #expect(error.map { !"\($0)".contains("secret") } == true, "\(address)")
        }
    }

    @Test("Two stores wake each other: a record that one adds for all is reported to the other at once")
    func arrivals() async throws {
        let fixture = try PostgreSQLFixture()
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        let taskStore = try fixture.open { $0.arrived = { continuation.yield() } }
        let visitor = try fixture.open(role: .visitor)
        let id = try visitor.append("r", .make())[0]
        for await _ in stream {
            if try taskStore.claimedIDs() == [[id]] { break }
        }
        try visitor.close()
        try taskStore.close()
    }
}
