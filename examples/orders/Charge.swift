import FoundationEssentials
import Postlude
import PostludeDurable

/// Takes the money. It stops while the payment provider is away, and goes on when that is back.
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

/// Stands for a provider elsewhere: it takes each key once, as those do (`Idempotency-Key`), and is away while there is a
/// file `provider-is-away`.
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
