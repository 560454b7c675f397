import Glibc
import Postlude

/// The requests that the benchmark sends. Each of its servers answers two of them: a small response, with and without a
/// background task.
@main
struct BenchmarkApplication: Application {
    var handlers: Handlers {
        Handler("hello", hello)
        Handler("task", helloWithTask)
        Handler("item", item)
        Handler("order", order)
        Handler("typed", typed)
        Handler("second", helloWithSecond)
        Handler("follow", follow)
        Handler("publish", publish)
    }
}

struct Item: Codable {
    var id: Int
}

func hello() -> Response {
    .text("Hello, world!\n")
}

func helloWithTask(tasks: BackgroundTasks) -> Response {
    tasks.add(sleepTwentyMilliseconds)
    return .text("Hello, world!\n")
}

func item(path: Path<Item>) -> Item {
    path.value
}

struct Order: Decodable {
    var customer: String
    var items: [Line]
    var note: String

    struct Line: Decodable {
        var id: Int
        var name: String
        var price: Double
        var gift: Bool
    }
}

func order(order: JSONBody<Order>) -> Response {
    .text("Hello, world!\n")
}

struct Search: Decodable {
    var term: String
    var limit: Int
}

struct Client: Decodable {
    var host: String
}

func typed(
    path: Path<Item>, query: Query<Search>, client: Header<Client>, tasks: BackgroundTasks
) -> Response {
    tasks.add(named: "count", count, path.id, query.limit)
    tasks.add(named: "note", note, query.term, client.host)
    return .text("Hello, world!\n")
}

// The tasks do nothing. The benchmark measures the cost of queueing and running them.
func count(_ id: Int, _ limit: Int) {}
func note(_ term: String, _ host: String) {}

func sleepTwentyMilliseconds() {
    var duration = timespec(tv_sec: 0, tv_nsec: 20_000_000)
    nanosleep(&duration, nil)
}

func helloWithSecond(tasks: BackgroundTasks) -> Response {
    tasks.add(sleepSecond, ContinuousClock.now)
    return .text("Hello, world!\n")
}

/// Appends to the file `waits` for how many milliseconds it has waited, then runs for a second.
func sleepSecond(since start: ContinuousClock.Instant) throws {
    let line = "\((.now - start) / .milliseconds(1))\n"
    let file = open("waits", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw CannotWrite() }
    defer { close(file) }
    guard write(file, line, line.utf8.count) == line.utf8.count else { throw CannotWrite() }
    var duration = timespec(tv_sec: 1, tv_nsec: 0)
    nanosleep(&duration, nil)
}

struct CannotWrite: Error {}

// MARK: Event streams

private let channel = EventChannel()

func follow() -> Response { .events(from: channel) }

func publish() -> Response {
    channel.publish(ServerSentEvent(data: "Hello, world!"))
    return .text("Hello, world!\n")
}
