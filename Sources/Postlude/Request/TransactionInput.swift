/// An input that opens a transaction for the call of its handler. The transaction begins when the input is taken, and ends where
/// the request's tasks are persisted.
///
/// A handler has at most one such input, is synchronous, and takes the inputs that read the body before it.
package protocol TransactionInput: RequestInput {
    /// The type of the connections to the database.
    static var connection: Any.Type { get }

    /// Opens a transaction for a request, which has not begun.
    static func open(for request: Request) throws -> any RequestTransaction
}

extension Request {
    /// The transaction around the call of the handler; nil if the handler takes none.
    package var transaction: (any RequestTransaction)? { storage.tasks.transaction }

    /// The process's store of persisted tasks; nil if the application has none.
    package var taskStore: (any TaskStore)? { storage.tasks.registry.store }

    /// Calls a handler within the transaction that one of its inputs opens. If it returns, the transaction stays open.
    func call(
        _ handler: (Request) throws -> Response, within input: any TransactionInput.Type
    ) throws -> Response {
        // Middleware has called `next` before.
        storage.rollBack()
        let transaction = try input.open(for: self)
        storage.tasks.transaction = transaction
        do {
            return try transaction.call { try handler(self) }
        } catch {
            storage.rollBack()
            throw error
        }
    }
}
