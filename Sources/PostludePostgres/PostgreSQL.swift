public import PostludeDurable

/// PostgreSQL databases, by libpq.
///
/// ```swift
/// func placeOrder(
///     order: JSONBody<Order>, transaction: Transaction<PostgreSQL>, tasks: BackgroundTasks
/// ) throws -> Accepted<[String: Int]> {
///     try transaction.database.execute("INSERT INTO orders (id) VALUES (\(order.id))")
///     try tasks.enqueue(Charge(order: order.id))
///     return Accepted(["id": order.id])
/// }
/// ```
public enum PostgreSQL: TransactionalDatabase {
    public typealias Connection = PostgreSQLConnection
}

/// The database that the manifest's `task-store` names: an SQLite file, or a PostgreSQL database
/// (``PostludeDurable/DurableStorage/manifestDatabase(connections:prepare:)``).
///
/// A handler or a task is written once, in the SQL that both understand. Where it must not be the same, the connection tells: it is
/// a ``PostgreSQLConnection``, or GRDB's `Database`.
public enum ManifestDatabase: TransactionalDatabase {
    public typealias Connection = any SQLConnection
}
