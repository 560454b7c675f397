import FoundationEssentials
import Postlude
import PostludeDurable

/// `GET /orders/{id}`: the state of each of the order's tasks.
func showOrder(id: Path<OrderID>, tasks: BackgroundTasks) throws -> OrderState {
    try orderState(of: id.value.description, tasks: tasks)
}

/// - Throws: 404 if there is no such order.
func orderState(of order: String, tasks: BackgroundTasks) throws -> OrderState {
    guard let charge = try tasks.status(of: Charge.self, unique: order),
        let receipt = try tasks.status(of: SendReceipt.self, unique: order),
        let ledger = try tasks.status(of: EnterInLedger.self, unique: order)
    else { throw HTTPError(.notFound, "There is no order \(order)") }
    return try OrderState(of: order, charge: charge, receipt: receipt, ledger: ledger)
}

/// An order as a client sees it.
struct OrderState: Codable {
    struct Step: Codable {
        var id: String
        var state: DurableTaskStatus.State
        var attempts: Int
        var result: String?
    }

    var id: String
    var charge: Step
    var receipt: Step
    var ledger: Step

    init(
        of id: String, charge: DurableTaskStatus, receipt: DurableTaskStatus, ledger: DurableTaskStatus
    ) throws {
        self.id = id
        self.charge = try Step(charge)
        self.receipt = try Step(receipt)
        self.ledger = try Step(ledger)
    }
}

extension OrderState.Step {
    init(_ status: DurableTaskStatus) throws {
        id = status.id
        state = status.state
        attempts = status.attempts
        result = try status.result()
    }
}
