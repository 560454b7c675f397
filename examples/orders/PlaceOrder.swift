import HTTPTypes
import Postlude
import PostludeDurable

/// `POST /orders`: 202 once the order's tasks are in the journal. From then on they will be done, whatever becomes of this
/// process. An order that was placed before is shown as it is: 200, and nothing is charged twice.
func placeOrder(order: Body<Order>, tasks: BackgroundTasks) throws -> Response {
    let id = order.value.id.description
    if let placed = try OrderState(of: id, tasks) { return try .json(placed) }
    // Two requests with one id at the same moment: the keys let one of each kind through.
    try tasks.add(Charge(order: id), unique: id)
    try tasks.add(SendReceipt(order: id, email: order.value.email), unique: id)
    try tasks.add(EnterInLedger(order: id), unique: id)
    return try .json(["id": id], status: .accepted, headers: [.location: "/orders/\(id)"])
}
