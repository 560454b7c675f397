import Postlude
import PostludeDurable
import PostludePostgres

/// Writes the order into the ledger, exactly once: the entry and the end of the task are one commit.
struct EnterInLedger: DurableTask {
    var order: String

    func run(_ context: TaskContext) async throws -> String {
        try context.transaction(on: ManifestDatabase.self) { connection in
            "entry \(try connection.enterInLedger(order))"
        }
    }
}
