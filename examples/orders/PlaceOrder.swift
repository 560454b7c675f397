import Postlude
import PostludeDurable
import PostludePostgres

/// `POST /orders`: 202 once the order and its tasks are in the database, in one commit. From then on the tasks
/// will run, whatever happens to this process. An order that was placed before is shown unchanged: 200, and
/// nothing is charged twice.
func placeOrder(
    order: JSONBody<Order>, transaction: Transaction<ManifestDatabase>, tasks: BackgroundTasks
) throws -> Response {
    let id = order.value.id.description
    // If several requests have the same id, the row decides, for all processes, which of them places the order.
    guard try transaction.database.place(order.value) else {
        return try .json(orderState(of: id, tasks: tasks))
    }
    // No receipt and no ledger entry for an unpaid order.
    tasks.stopOnFailure()
    try tasks.enqueue(Charge(order: id), unique: id, while: .stored)
    try tasks.enqueue(SendReceipt(order: id, email: order.value.email), unique: id, while: .stored)
    try tasks.enqueue(EnterInLedger(order: id), unique: id, while: .stored)
    return try .json(["id": id], status: .accepted, headers: [.location: "/orders/\(id)"])
}
