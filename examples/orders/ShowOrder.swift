import FoundationEssentials
import HTTPTypes
import Postlude
import PostludeDurable

/// `GET /orders/{id}`: how far each of the order's tasks has come.
func showOrder(id: Path<OrderID>, tasks: BackgroundTasks) throws -> OrderState {
    guard let state = try OrderState(of: id.value.description, tasks) else {
        throw HTTPError(.notFound, "There is no order \(id.value)")
    }
    return state
}

/// An order as a client sees it.
struct OrderState: Encodable {
    struct Step: Encodable {
        var id: String
        var state: DurableTaskStatus.State
        var attempts: Int
        var result: String?
    }

    var id: String
    var charge: Step
    var receipt: Step
    var ledger: Step

    /// nil where nobody has placed it.
    init?(of id: String, _ tasks: BackgroundTasks) throws {
        guard let charge = try Step(Charge.self, of: id, tasks),
            let receipt = try Step(SendReceipt.self, of: id, tasks),
            let ledger = try Step(EnterInLedger.self, of: id, tasks)
        else { return nil }
        self.id = id
        self.charge = charge
        self.receipt = receipt
        self.ledger = ledger
    }
}

extension OrderState.Step {
    init?<Task: DurableTask>(_ kind: Task.Type, of order: String, _ tasks: BackgroundTasks) throws {
        guard let status = try tasks.status(of: kind, unique: order) else { return nil }
        id = status.id
        state = status.state
        attempts = status.attempts
        result = try status.result()
    }
}
