import Foundation
import GRDB
import Postlude
import PostludeDurable

/// The application's database in the test's folder, in which the testbed keeps its tasks if `TESTBED_DATABASE` is set.
enum ShopDatabase {
    static let pool: DatabasePool? = ProcessInfo.processInfo.environment["TESTBED_DATABASE"].map(open)

    private static func open(_ path: String) -> DatabasePool {
        do {
            var configuration = Configuration()
            configuration.busyMode = .timeout(10)
            let pool = try DatabasePool(path: path, configuration: configuration)
            var migrator = DatabaseMigrator()
            migrator.registerMigration("shop") { database in
                try database.execute(
                    sql: """
                        CREATE TABLE placed (number INTEGER PRIMARY KEY, label TEXT NOT NULL);
                        CREATE TABLE booked (label TEXT NOT NULL);
                        """)
            }
            try migrator.migrate(pool)
            return pool
        } catch {
            fatalError("\(path): \(error)")
        }
    }

    static func insert(_ label: String, _ database: Database) throws {
        try database.execute(sql: "INSERT INTO placed (label) VALUES (?)", arguments: [label])
    }
}

/// A task whose work is in the database.
struct Booking: DurableTask {
    var label: String

    func run(_ context: TaskContext) async throws {
        try context.transaction { database in
            try database.execute(sql: "INSERT INTO booked (label) VALUES (?)", arguments: [label])
        }
    }
}

struct Placing: Decodable, Sendable {
    var label: String
    var gate: String?
}

/// Writes a row, and adds a task, in the request's transaction.
func placeOrder(_ query: Query<Placing>, transaction: Transaction<SQLite>, tasks: BackgroundTasks) throws
    -> Accepted
{
    try ShopDatabase.insert(query.value.label, transaction.database)
    let id = try tasks.enqueue(Booking(label: query.value.label)).id
    while let gate = query.value.gate, access(gate, F_OK) != 0 { usleep(1_000) }
    return Accepted(ids: [id])
}

/// Writes a row, and adds a task, in a transaction of the application's.
func writeOrder(_ query: Query<Placing>, tasks: BackgroundTasks) throws -> Accepted {
    guard let pool = ShopDatabase.pool else { throw HTTPError(.notFound) }
    let label = query.value.label
    return Accepted(
        ids: try pool.write { database in
            try ShopDatabase.insert(label, database)
            return [try tasks.enqueue(Booking(label: label), in: database).id]
        })
}

/// The request of a measurement: a row and a task that does nothing, in one commit.
func together(transaction: Transaction<SQLite>, tasks: BackgroundTasks) throws -> Response {
    try ShopDatabase.insert("together", transaction.database)
    try tasks.enqueue(Nothing(number: 1))
    return .text("done")
}

/// The same in two commits: the handler's own, and that of its tasks.
func apart(tasks: BackgroundTasks) throws -> Response {
    guard let pool = ShopDatabase.pool else { throw HTTPError(.notFound) }
    try pool.write { try ShopDatabase.insert("apart", $0) }
    try tasks.enqueue(Nothing(number: 1))
    return .text("done")
}
