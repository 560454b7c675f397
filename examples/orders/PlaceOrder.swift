import Postlude
import PostludeDurable

/// `POST /orders`: 202 once the order's tasks are in the task store. From then on they will run, whatever
/// happens to this process. An order that was placed before is shown unchanged: 200, and nothing is charged
/// twice.
func placeOrder(order: JSONBody<Order>, tasks: BackgroundTasks) throws -> Response {
    let id = order.value.id.description
    // No receipt and no ledger entry for an unpaid order.
    tasks.stopOnFailure()
    try tasks.enqueue(Charge(order: id), unique: id, while: .stored)
    try tasks.enqueue(SendReceipt(order: id, email: order.value.email), unique: id, while: .stored)
    try tasks.enqueue(EnterInLedger(order: id), unique: id, while: .stored)
    // If several requests have the same id, one transaction decides, for all processes, which of them places
    // the order.
    let persisted = try tasks.persist()
    guard persisted.allSatisfy(\.isNew) else {
        return try .json(
            OrderState(
                of: id, charge: persisted[0].status, receipt: persisted[1].status, ledger: persisted[2].status
            ))
    }
    return try .json(["id": id], status: .accepted, headers: [.location: "/orders/\(id)"])
}
