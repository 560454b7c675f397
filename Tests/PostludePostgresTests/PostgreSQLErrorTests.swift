import PostludePostgres
import PostludeRecordStoreFixtures
import Testing

@Suite("Errors of PostgreSQL")
struct PostgreSQLErrorTests {
    @Test("An error has its SQLSTATE and its constraint, and says what can be done about it")
    func states() throws {
        let fixture = try PostgreSQLFixture()
        let database = try PostgreSQLDatabase(fixture.place, timeout: .seconds(60))
        func error(_ statement: SQLStatement) -> PostgreSQLError? {
            #expect(throws: PostgreSQLError.self) { try database.write { try $0.execute(statement) } }
        }
        try database.write { connection in
            try connection.execute("CREATE TABLE a (b integer CONSTRAINT only_once PRIMARY KEY)")
            try connection.execute("INSERT INTO a VALUES (\(1))")
        }
        let unique = try #require(error("INSERT INTO a VALUES (\(1))"))
        #expect(unique.state == "23505" && unique.constraint == "only_once" && unique.isUniqueViolation)
        #expect(!unique.isConflict && !unique.isDisconnected && !unique.isCommitUnknown)
        #expect(error("SELEC 1")?.state == "42601")
        #expect(error("COPY a FROM STDIN")?.message.contains("COPY") == true)
        #expect(error("SELECT pg_terminate_backend(pg_backend_pid())")?.isDisconnected == true)
        #expect(try database.read { try $0.value("SELECT count(*) FROM a", as: Int.self) } == 1)
        #expect(throws: (any Error).self) { try PostgreSQLDatabase("nonsense") }
        let away = try PostgreSQLDatabase("host=/nowhere dbname=none", timeout: .milliseconds(10))
        #expect(throws: PostgreSQLError.self) { try away.read { _ in } }
    }
}
