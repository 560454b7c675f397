// expect: type 'Counter' does not conform to the 'Sendable' protocol
import Postlude

final class Counter {
    var count = 0
}

func increment(_ counter: Counter) { counter.count += 1 }

func handle(tasks: BackgroundTasks) -> [String: String] {
    tasks.add(increment, Counter())
    return ["status": "processing"]
}
