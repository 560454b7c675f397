import Foundation
import Postlude
import PostludeDurable
import PostludePostgres

/// The application's PostgreSQL database, if `TESTBED_POSTGRESQL` is its address. The test has made its tables, and the manifest
/// names it as well.
enum PostgreSQLShop {
    static let database: PostgreSQLDatabase? = ProcessInfo.processInfo.environment["TESTBED_POSTGRESQL"].map {
        do {
            return try PostgreSQLDatabase($0)
        } catch {
            fatalError("\($0): \(error)")
        }
    }

    static func insert(_ label: String, _ connection: PostgreSQLConnection) throws {
        try connection.execute("INSERT INTO placed (label) VALUES (\(label))")
    }
}

/// A task whose work is in the database.
struct PostgreSQLBooking: DurableTask {
    var label: String

    func run(_ context: TaskContext) async throws {
        _ = try context.transaction(on: PostgreSQL.self) { connection in
            try connection.execute("INSERT INTO booked (label) VALUES (\(label))")
        }
    }
}

/// Writes a row, and adds a task, in the request's transaction.
func placePostgreSQLOrder(
    _ query: Query<Placing>, transaction: Transaction<PostgreSQL>, tasks: BackgroundTasks
) throws -> Accepted {
    try PostgreSQLShop.insert(query.value.label, transaction.database)
    let id = try tasks.enqueue(PostgreSQLBooking(label: query.value.label)).id
    if let gate = query.value.gate {
        note(query.value.label, in: "handled")
        while access(gate, F_OK) != 0 { usleep(1_000) }
    }
    return Accepted(ids: [id])
}

/// Writes a row, and adds a task, in a transaction of the application's.
func writePostgreSQLOrder(_ query: Query<Placing>, tasks: BackgroundTasks) throws -> Accepted {
    guard let database = PostgreSQLShop.database else { throw HTTPError(.notFound) }
    let label = query.value.label
    return Accepted(
        ids: try database.write { connection in
            try PostgreSQLShop.insert(label, connection)
            return [try tasks.enqueue(PostgreSQLBooking(label: label), in: connection).id]
        })
}
