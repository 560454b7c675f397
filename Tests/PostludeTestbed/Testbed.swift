import Glibc
import Logging
import Postlude

/// The application that the end-to-end tests drive: each handler shows one property from the inside. Gates
/// and event logs are files in the working directory, the test's own folder.
@main
struct Testbed: Application {
    static let version = "1.2.3-test"

    init() {}

    var handlers: Handlers {
        Handler("hello", hello)
        Handler("echo", echo)
        Handler("ignore-body", ignoreBody)
        Handler("who", who)
        Handler("big", big)
        Handler("slow", slow)
        Handler("hold", hold)
        Handler("slow-async", slowAsync)
        Handler("boom", boom)
        Handler("main-actor", askMainActor)
        Handler("inspect", inspect)

        Handler("steps", steps)
        Handler("steps-async", stepsAsync)
        Handler("steps-closures", stepsClosures)
        Handler("failing", failing)
        Handler("late", late)
        Handler("children", children)
        Handler("threads", threads)
        Handler("threads-async", threadsAsync)

        Handler("send-notification", sendNotification)
        Handler("process-item", processItem)
        Handler("register", register)
        Handler("tagged", tagged)
        Handler("book", book)
        Handler("place-order", placeOrder)
        Handler("search-by-form", searchByForm)
        Handler("ship", ship)
        Handler("ship-later", shipLater)
        Handler("show-shipment") { (id: Path<Int>) in ["id": id.value] }
        Handler("forget-shipment") { (id: Path<Int>) in NoContent() }
        Handler("sold-out") { () throws -> Response in throw SoldOut(left: 2) }

        Handler("admin", admin)
        Handler("files", files)
        Handler("public", publicArea)
        Handler("elsewhere", elsewhere)

        responseHandlers
        channelHandlers
        productHandlers
        uploadHandlers
        taskHandlers
        deadlineHandlers
        Handler("print-and-die", printAndDie)
    }

    /// If the test has created this file, a handler of the application's own gets the log's entries, except
    /// the supervisor's.
    static func logHandler(label: String, metadataProvider: Logger.MetadataProvider?) -> (any LogHandler)? {
        guard access("own-log-handler", F_OK) == 0, label != "supervisor" else { return nil }
        return EventLogHandler(label: label, metadataProvider: metadataProvider)
    }

    var routeMiddleware: KeyValuePairs<String, any Middleware> {
        ["closed": Closed(), "signed-in": Guard(BearerToken.self)]
    }

    /// If the test has created this file, errors are sent as problem details.
    var errorFormat: ErrorFormat { access("problem-details", F_OK) == 0 ? .problemDetails : .fastAPI }

    func start() async throws {
        if access("start-fails", F_OK) == 0 { throw NoDatabase() }
        if access("lines", F_OK) == 0 { Lines.publish() }
    }
}

/// Why the testbed does not start, if a test asks for that.
struct NoDatabase: Error, CustomStringConvertible {
    var description: String { "the database does not answer" }
}

/// Refuses every request.
struct Closed: Middleware {
    func respond(to request: Request, next: Next) async throws -> Response {
        throw HTTPError(.forbidden, "closed")
    }
}
