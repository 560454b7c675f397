import Glibc
import Postlude

/// What the benchmark asks of each of its servers: a small answer, with a background task and without.
@main
struct BenchmarkApplication: Application {
    var handlers: Handlers {
        Handler("hello", hello)
        Handler("task", helloWithTask)
        Handler("item", item)
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

func sleepTwentyMilliseconds() {
    var duration = timespec(tv_sec: 0, tv_nsec: 20_000_000)
    nanosleep(&duration, nil)
}
