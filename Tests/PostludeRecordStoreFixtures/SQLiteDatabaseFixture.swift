internal import Foundation
package import GRDB
package import PostludeSQLiteStore
package import PostludeTaskStore

/// A test's own folder with an application's database in it, which has a table of the application.
package final class SQLiteDatabaseFixture: RecordStoreFixture {
    private let folder: SQLiteFileFixture
    package var path: String { folder.folder + "/shop.sqlite" }
    package var clock: TestClock { folder.clock }
    package let kind = StoreUnderTest.sqliteDatabase
    package var place: String { path }

    package init() throws {
        folder = try SQLiteFileFixture()
        try database().write { database in
            try database.execute(
                sql: """
                    CREATE TABLE account (number INTEGER PRIMARY KEY, balance INTEGER NOT NULL DEFAULT 0);
                    CREATE TABLE entry (
                        number INTEGER PRIMARY KEY,
                        account INTEGER NOT NULL REFERENCES account DEFERRABLE INITIALLY DEFERRED
                    );
                    """)
        }
    }

    /// Opens the database as another part of the application does.
    package func database() throws -> DatabasePool { try PlacedDatabaseDriver.database(at: path) }

    /// Opens the task store as what it is.
    package func open(
        in writer: any DatabaseWriter, role: TaskStoreRole = .process, lockTimeout: Duration = .seconds(120),
        _ change: (inout TaskStoreSettings) -> Void = { _ in }
    ) throws -> SQLiteTaskStore {
        try SQLiteTaskStore(in: writer, role: role, settings: settings(lockTimeout: lockTimeout, change))
    }

    package func die(_ store: any RecordStore) { (store as? SQLiteTaskStore)?.releaseLock() }

    package func owners() throws -> [Int64] {
        try database().read {
            try Int64.fetchAll($0, sql: "SELECT number FROM postlude_owner ORDER BY number")
        }
    }
}

/// Opens an application's database by its path, and the task store in it.
struct PlacedDatabaseDriver: RecordStoreDriver {
    var library: String { SQLiteFileDriver().library }

    func open(
        _ place: String, role: TaskStoreRole, settings: TaskStoreSettings
    ) throws(TaskStoreError) -> any RecordStore {
        let writer: DatabasePool
        do {
            writer = try Self.database(at: place)
        } catch {
            throw TaskStoreError(.system, place, "\(error)")
        }
        return try SQLiteDatabaseDriver(writer).open("", role: role, settings: settings)
    }

    func restore(_ backup: String, to place: String) throws(TaskStoreError) -> String? {
        throw TaskStoreError(.refused, place, "not restored by tests")
    }

    func readContents(of place: String, _ body: ([RecordContent]) throws -> Bool) throws -> Bool {
        guard FileManager.default.fileExists(atPath: place) else { return false }
        return try SQLiteDatabaseDriver(Self.database(at: place)).readContents(of: "", body)
    }

    static func database(at path: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.busyMode = .timeout(20)
        return try DatabasePool(path: path, configuration: configuration)
    }
}
