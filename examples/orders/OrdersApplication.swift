import Postlude
import PostludeCelery
import PostludeDurable

/// Orders whose charge, receipt and ledger entry must not be lost: they are in the task store before the client has its answer.
@main
struct OrdersApplication: Application {
    // One database for all workers; tasks find it by their context. Nothing is opened here: `orders check` makes the
    // application, too.
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

    /// Before the first request: a database that cannot be opened keeps the process from starting.
    func start() throws { try database.open() }

    func stop() throws { try database.close() }
}
