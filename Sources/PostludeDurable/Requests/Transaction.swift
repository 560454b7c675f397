public import GRDB
public import Postlude
internal import PostludeTaskStore

/// A kind of databases that can have durable tasks beside the application's tables.
public protocol TransactionalDatabase: SendableMetatype {
    /// A connection to such a database, by which an application reads and writes.
    associatedtype Connection
}

/// SQLite databases, by GRDB.
public enum SQLite: TransactionalDatabase {
    public typealias Connection = GRDB.Database
}

/// A transaction on the application's database, which contains the handler's changes and its durable tasks.
///
/// ```swift
/// func placeOrder(
///     order: JSONBody<Order>, transaction: Transaction<SQLite>, tasks: BackgroundTasks
/// ) throws -> Accepted<[String: Int]> {
///     try transaction.database.execute(sql: "INSERT INTO orders (id) VALUES (?)", arguments: [order.id])
///     try tasks.enqueue(Charge(order: order.id))
///     return Accepted(["id": order.id])
/// }
/// ```
///
/// It begins before the handler is called; in SQLite it has the database's write lock from then on. It is committed after the
/// handler has returned, whatever the status of the response, and after the middleware around it; then the first byte of the
/// response is written. It is rolled back if the handler or middleware throws, or if the handler is late and the client has got 504.
///
/// If the database cannot begin or commit it, because it is locked for too long or its disk is full, the request is answered 503
/// with `Retry-After`; if it refuses the changes at the commit, because of a deferred constraint or another transaction, 409.
/// Then no task runs.
///
/// The handler is not async, and takes the inputs that read the body before this one. It uses ``database``, and in SQLite no
/// other connection for writing: the write lock is taken. For PostgreSQL, see the module PostludePostgres.
public struct Transaction<Kind: TransactionalDatabase>: TransactionInput {
    package static var connection: Any.Type { Kind.Connection.self }

    /// The connection, on which the transaction is open. It must not be used after the handler has returned.
    public let database: Kind.Connection

    /// Begins the request's transaction, for a handler that takes it as an input.
    ///
    /// - Throws: an error that is answered with 503 if the database is locked for too long.
    public init(request: Request) throws {
        database = try DurableTransaction.begin(of: request)
    }

    /// - Parameter transaction: one that has begun.
    init(_ transaction: any RecordTransaction) throws {
        database = try DurableTransaction.connection(of: transaction)
    }

    package static func open(for request: Request) throws -> any RequestTransaction {
        try DurableTransaction.open(.write, for: request)
    }
}

/// A view of the application's database as it was before the handler was called, for a handler that only reads.
///
/// ```swift
/// func report(snapshot: Snapshot<SQLite>) throws -> [String: Int] {
///     let orders = try Int.fetchOne(snapshot.database, sql: "SELECT count(*) FROM orders")
///     let paid = try Int.fetchOne(snapshot.database, sql: "SELECT count(*) FROM orders WHERE paid")
///     return ["orders": orders ?? 0, "paid": paid ?? 0]
/// }
/// ```
///
/// All reads of the handler see the same state, and neither wait for writers nor delay them. The handler is not async. A statement
/// that writes throws.
public struct Snapshot<Kind: TransactionalDatabase>: TransactionInput {
    package static var connection: Any.Type { Kind.Connection.self }

    /// The connection, on which the snapshot is open. It must not be used after the handler has returned.
    public let database: Kind.Connection

    /// Takes the request's snapshot, for a handler that takes it as an input.
    ///
    /// - Throws: an error that is answered with 503 if the database cannot be read.
    public init(request: Request) throws {
        database = try DurableTransaction.begin(of: request)
    }

    package static func open(for request: Request) throws -> any RequestTransaction {
        try DurableTransaction.open(.snapshot, for: request)
    }
}

@available(*, unavailable, message: "a transaction ends with its request, and belongs to its thread")
extension Transaction: Sendable {}

@available(*, unavailable, message: "a snapshot ends with its handler, and belongs to its thread")
extension Snapshot: Sendable {}
