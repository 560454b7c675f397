import Postlude
import PostludeDurable

/// Writes the order into the ledger, once.
struct EnterInLedger: DurableTask {
    var order: String

    func run(_ context: TaskContext) async throws -> String {
        let database = try context.application(OrdersApplication.self).database
        return "entry \(try database.enter(order, key: context.taskID ?? order))"
    }
}
