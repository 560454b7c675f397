import Foundation
import GRDB
import PostludeRecordStoreFixtures
import PostludeTaskStore
import PostludeTesting
import Testing

@testable import Postlude
@testable import PostludeDurable
@testable import PostludePostgres

/// Handlers and tasks that are written once, with both databases.
@Suite("The database that the manifest names", .timeLimit(.minutes(10)))
struct ManifestDatabaseTests {
    struct Book: DurableTask {
        var order: String

        func run(_ context: TaskContext) async throws -> Int? {
            try context.transaction(on: ManifestDatabase.self) { connection in
                try connection.execute("UPDATE placed SET booked = booked + 1 WHERE name = \(order)")
                return try connection.value("SELECT booked FROM placed WHERE name = \(order)", as: Int.self)
            }
        }
    }

    struct Shop: Application {
        var handlers: Handlers {
            Handler("place") {
                (name: JSONBody<String>, transaction: Transaction<ManifestDatabase>, tasks: BackgroundTasks)
                    throws
                    -> Response in
                let name = name.value
                let added = try transaction.database.execute(
                    "INSERT INTO placed (name) VALUES (\(name)) ON CONFLICT DO NOTHING")
                if added == 1 { try tasks.enqueue(Book(order: name)) }
                return .text("\(added)")
            }
            Handler("names") { (snapshot: Snapshot<ManifestDatabase>) throws -> [String] in
                try snapshot.database.query("SELECT name FROM placed ORDER BY 1").map {
                    try $0.decode("name")
                }
            }
        }

        var taskEngine: TaskEngine? { .durable(in: Self.storage) { Book.self } }

        static let storage = DurableStorage.manifestDatabase { connection in
            try connection.execute(
                "CREATE TABLE IF NOT EXISTS placed (name TEXT PRIMARY KEY, booked INTEGER NOT NULL DEFAULT 0)"
            )
        }
    }

    @Test("A handler and its task are written once, and tested with a temporary file")
    func offline() async throws {
        let app = try await TestApplication(
            Shop(),
            manifest: """
                task-store: { path: "postgresql://db.internal/shop" }
                routes:
                  - { path: /place, method: POST, handler: place }
                  - { path: /names, method: GET, handler: names }
                """)
        let name = "Robert'); DROP TABLE placed; --"
        let response = try await app.send(.post("/place", json: name))
        #expect(response.text == "1" && response.tasks.queued.count == 1)
        try await response.tasks.runAll()
        #expect(try await app.send(.post("/place", json: name)).text == "0")
        #expect(try await app.send(.get("/names")).json([String].self) == [name])
        try await app.stop()
    }

    @Test("Processes that begin at once prepare the tables one after the other", arguments: [true, false])
    func prepared(isServer: Bool) async throws {
        let folder = try SQLiteFileFixture()
        let fixture = isServer ? try PostgreSQLFixture() : nil
        let place = fixture?.place ?? folder.path
        let stores = try await withThrowingTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    try await onThread {
                        try Shop.storage.driver.open(place, role: .process, settings: .init())
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        for store in stores {
            try store.transaction(.write) { transaction in
                let connection = try #require(transaction.handle as? any SQLConnection)
                #expect(connection is PostgreSQLConnection == isServer)
                try connection.execute("INSERT INTO placed (name) VALUES (\("\(UUID())"))")
            }
        }
        try stores[0].transaction(.snapshot) { transaction in
            let connection = try #require(transaction.handle as? any SQLConnection)
            #expect(try connection.value("SELECT count(*) FROM placed", as: Int.self) == 4)
        }
        for store in stores { try store.close() }
        let migrated = try Shop.storage.driver.migrate(place)
        #expect(migrated.isEmpty)
        #expect(try Shop.storage.driver.pendingMigrations(of: place) == "")
    }

    @Test("Values of all types are read as they were written, in both databases", arguments: [true, false])
    func values(isServer: Bool) throws {
        let folder = try SQLiteFileFixture()
        let fixture = isServer ? try PostgreSQLFixture() : nil
        let store = try Shop.storage.driver.open(
            fixture?.place ?? folder.path, role: .process, settings: .init())
        let types =
            isServer ? ("bytea", "timestamptz", "uuid", "boolean") : ("BLOB", "TEXT", "TEXT", "BOOLEAN")
        let (date, id) = (Date(timeIntervalSince1970: 1_800_000_000.25), UUID())
        let bytes = Data([0, 255, 0x5c, 0x78])
        try store.transaction(.write) { transaction in
            let connection = try #require(transaction.handle as? any SQLConnection)
            try connection.execute(
                """
                CREATE TABLE everything (number bigint, fraction double precision, flag \(raw: types.3), text text,
                    date \(raw: types.1), bytes \(raw: types.0), id \(raw: types.2), missing text)
                """)
            let missing: String? = nil
            let added = try connection.execute(
                """
                INSERT INTO everything VALUES (\(Int.min), \(0.1), \(true), \("ä'\\ $1 ?"), \(date), \(bytes), \(id),
                    \(missing))
                """)
            #expect(added == 1)
            let row = try #require(try connection.query("SELECT * FROM everything WHERE id = \(id)").first)
            #expect(row.columns == ["number", "fraction", "flag", "text", "date", "bytes", "id", "missing"])
            #expect(try row.decode("number") == Int.min && row.decode("number") == Int64.min)
            #expect(try row.decode("fraction") == 0.1 && row.decode("flag") == true)
            #expect(try row.decode("text") == "ä'\\ $1 ?")
            #expect(try row.decode("date") == date && row.decode("date") == Optional(date))
            #expect(try row.decode("bytes") == bytes && row.decode("id") == id)
            #expect(try row.decode("missing", as: String?.self) == nil)
            #expect(try row.decode(7, as: Int?.self) == nil)
            #expect(throws: SQLRowError.self) { try row.decode("missing", as: String.self) }
            #expect(throws: SQLRowError.self) { try row.decode("text", as: Int.self) }
            #expect(throws: SQLRowError.self) { try row.decode("other", as: Int.self) }
            #expect(throws: SQLRowError.self) { try row.decode(8, as: Int.self) }
            #expect(try connection.value("SELECT number FROM everything WHERE NOT flag", as: Int.self) == nil)
            #expect(
                try connection.execute(
                    SQLStatement(
                        sql: "DELETE FROM everything WHERE number = \(isServer ? "$1" : "?")", Int.min)) == 1)
        }
        try store.close()
    }
}
