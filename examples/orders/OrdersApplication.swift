import Postlude
import PostludeCelery
import PostludeDurable

/// Orders whose charge, receipt and ledger entry must not be lost: they are in the task store before the
/// client has its response.
@main
struct OrdersApplication: Application {
    // One database for all workers; tasks find it by their context. It opens nothing here, because `orders
    // check` creates the application, too.
    let database = OrdersDatabase.inStateFolder

    var handlers: Handlers {
        Handler("home", home)
        Handler("place-order", placeOrder)
        Handler("show-order", showOrder)
    }

    var taskEngine: TaskEngine? {
        .durable(through: .celery) {
            Charge.self
            SendReceipt.self
            EnterInLedger.self
        }
    }

    /// Before the first request: if the database cannot be opened, the process does not start.
    func start() throws { try database.open() }

    func stop() throws { try database.close() }
}
