import FoundationEssentials
import Postlude
import PostludeDurable

/// Charges the order. It waits while the payment provider is down, and continues when the provider is back.
struct Charge: DurableTask {
    var order: String

    static var policy: DurablePolicy {
        DurablePolicy(
            retry: RetryPolicy(attempts: 100, delay: .seconds(1), maximumDelay: .seconds(30)), priority: .high
        )
    }

    func run(_ context: TaskContext) async throws -> String {
        let provider = PaymentProvider(database: try context.application(OrdersApplication.self).database)
        return try provider.charge(order, key: context.taskID ?? order)
    }
}

/// Stands for a remote provider. It accepts each key once, like real ones (`Idempotency-Key`), and is down
/// while a file `provider-is-away` exists.
struct PaymentProvider {
    let database: OrdersDatabase

    struct IsAway: Error, CustomStringConvertible {
        let description = "the payment provider does not answer"
    }

    func charge(_ order: String, key: String) throws -> String {
        if FileManager.default.fileExists(atPath: "provider-is-away") { throw IsAway() }
        let number = try database.charge(order, key: key)
        return "charge \(number)"
    }
}
