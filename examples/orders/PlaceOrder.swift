import Postlude
import PostludeDurable

/// `POST /orders`: 202 once the order's tasks are in the task store. From then on they will be done, whatever becomes of this
/// process. An order that was placed before is shown as it is: 200, and nothing is charged twice.
func placeOrder(order: JSONBody<Order>, tasks: BackgroundTasks) throws -> Response {
    let id = order.value.id.description
    // No receipt, and no entry in the ledger, for what was not paid.
    tasks.stopOnFailure()
    try tasks.enqueue(Charge(order: id), unique: id, while: .kept)
    try tasks.enqueue(SendReceipt(order: id, email: order.value.email), unique: id, while: .kept)
    try tasks.enqueue(EnterInLedger(order: id), unique: id, while: .kept)
    // One transaction decides, for all processes, which of several requests with one id places the order.
    let kept = try tasks.keep()
    guard kept.allSatisfy(\.isNew) else {
        return try .json(
            OrderState(of: id, charge: kept[0].status, receipt: kept[1].status, ledger: kept[2].status))
    }
    return try .json(["id": id], status: .accepted, headers: [.location: "/orders/\(id)"])
}
