import Postlude
import PostludeCelery
import PostludeDurable
import PostludePostgres

/// Orders whose charge, receipt and ledger entry must not be lost: they are committed with the order, before
/// the client has its response.
@main
struct OrdersApplication: Application {
    // The services outside, in whose place a test has its own.
    var payments: any Payments = PaymentProvider()
    var receipts: any ReceiptSender = MailedReceipts()

    var handlers: Handlers {
        Handler("home", home)
        Handler("place-order", placeOrder)
        Handler("show-order", showOrder)
        Handler.durableTaskEvents()
    }

    /// Everything is in the database that the manifest names: the orders, the tasks, and the answers to requests
    /// with an `Idempotency-Key`.
    var taskEngine: TaskEngine? {
        .durable(in: .manifestDatabase(prepare: OrdersTables.make), through: .celery) {
            Charge.self
            SendReceipt.self
            EnterInLedger.self
        }
    }
}
