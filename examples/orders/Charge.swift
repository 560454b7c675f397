import FoundationEssentials
import Postlude
import PostludeDurable
import PostludePostgres

/// Charges the order. It waits while the payment provider is down, and continues when the provider is back.
///
/// The provider may be asked twice, and recognizes the key. The charge is noted exactly once: its row and the
/// end of the task are one commit.
struct Charge: DurableTask {
    var order: String

    static var policy: DurablePolicy {
        DurablePolicy(
            retry: RetryPolicy(attempts: 100, delay: .seconds(1), maximumDelay: .seconds(30)), priority: .high
        )
    }

    func run(_ context: TaskContext) async throws -> String {
        let payments = try context.application(OrdersApplication.self).payments
        try payments.charge(order, key: context.taskID ?? order)
        return try context.transaction(on: ManifestDatabase.self) { connection in
            "charge \(try connection.noteCharge(of: order))"
        }
    }
}

/// Charges orders.
protocol Payments: Sendable {
    /// - Parameter key: a call with a key that the provider has accepted charges nothing.
    func charge(_ order: String, key: String) throws
}

/// Stands for a remote provider. Real ones accept each key once (`Idempotency-Key`); this one is down while a
/// file `provider-is-away` exists, and otherwise does nothing.
struct PaymentProvider: Payments {
    struct IsAway: Error, CustomStringConvertible {
        let description = "the payment provider does not answer"
    }

    func charge(_ order: String, key: String) throws {
        if FileManager.default.fileExists(atPath: "provider-is-away") { throw IsAway() }
    }
}
