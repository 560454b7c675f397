internal import Foundation
package import PostludePostgreSQLStore
package import PostludeTaskStore
internal import Synchronization

/// A test's own database, by default on a server that all tests of the process share.
package final class PostgreSQLFixture: RecordStoreFixture {
    package let clock = TestClock()
    package let kind = StoreUnderTest.postgreSQL
    package let server: PostgreSQLServer
    package let database: String

    private static let count = Atomic<Int>(0)

    package convenience init() throws { try self.init(on: PostgreSQLServer.shared()) }

    package init(on server: PostgreSQLServer) throws {
        self.server = server
        database = "test_\(Self.count.add(1, ordering: .relaxed).newValue)"
        _ = try server.query("CREATE DATABASE \(database) TEMPLATE template0")
    }

    deinit {
        // The folder of the server is removed with it; this only saves room until then.
        _ = try? server.query("DROP DATABASE \(database) WITH (FORCE)")
    }

    package var place: String { "host=\(server.folder) port=\(server.port) user=postgres dbname=\(database)" }

    /// Opens the task store as what it is.
    package func open(
        role: TaskStoreRole = .process, lockTimeout: Duration = .seconds(120),
        _ change: (inout TaskStoreSettings) -> Void = { _ in }
    ) throws -> PostgreSQLTaskStore {
        try PostgreSQLTaskStore(
            address: place, role: role, settings: settings(lockTimeout: lockTimeout, change))
    }

    package func die(_ store: any RecordStore) { (store as? PostgreSQLTaskStore)?.abandon() }

    package func owners() throws -> [Int64] {
        try query("SELECT number FROM postlude.owner ORDER BY number").compactMap { Int64($0) }
    }

    /// Runs a statement as another client would, and returns the lines of its result.
    package func query(_ sql: String) throws -> [String] { try server.query(sql, in: database) }
}
