import Postlude
import PostludeDurable
import PostludePostgres

/// The application with durable tasks that the end-to-end tests drive. It logs events to files in its working
/// directory, the test's own folder. Gates are files there, too.
@main
struct DurableTestbed: Application {
    let tasks = DurableTasks()

    init() {}

    var handlers: Handlers {
        Handler("hello") { () in Response.text("hello") }
        Handler("order", order)
        Handler("single", single)
        Handler("throwing", throwing)
        Handler("late", late)
        Handler("keyed", keyed)
        Handler.durableTaskStatus(showingErrors: false)
        Handler.durableTaskStatus("task-status-for-us", showingErrors: true)
        Handler.durableTaskEvents()
        Handler("stored", stored)
        Handler("pay", pay)
        Handler("ordinary", ordinary)
        Handler("many", many)
        Handler("scheduled", scheduled)
        Handler("parcels", parcels)
        Handler("family", family)
        Handler("busy", busy)
        Handler("cancel", cancel)
        Handler("journey", journey)
        Handler("limited", limited)
        Handler("exports", exports)
        Handler("exclusive", exclusive)
        Handler("poison", poison)
        Handler("poison-task", poisonTask)
        if ShopDatabase.pool != nil {
            Handler("place", placeOrder)
            Handler("write", writeOrder)
            Handler("together", together)
            Handler("apart", apart)
        }
        if PostgreSQLShop.database != nil {
            Handler("place", placePostgreSQLOrder)
            Handler("write", writePostgreSQLOrder)
        }
    }

    var taskEngine: TaskEngine? {
        .durable(tasks, in: ShopDatabase.pool.map { .database($0) } ?? .postgreSQL) {
            return Self.kinds + Versions.kinds
        }
    }

    @DurableTasksBuilder private static var kinds: [DurableTaskKind] {
        Step.self
        Flaky.self
        Nothing.self
        Journey.self
        Family.self
        Busy.self
        Poison.self
        Booking.self
        Exclusive.self
        Export.self
        Limited.self
        PostgreSQLBooking.self
    }
}

struct Refused: Error {}
