import Postlude
import PostludeDurable

/// Writes the order into the ledger, once.
struct EnterInLedger: DurableTask {
    var order: String

    func run(_ context: TaskContext) async throws -> String {
        "entry \(try OrdersApplication.database.enter(order, key: context.taskID ?? order))"
    }
}
