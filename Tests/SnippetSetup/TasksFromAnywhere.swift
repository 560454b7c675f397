import Postlude
import PostludeDurable

struct Charge: DurableTask {
    var order: Int
    func run(_ context: TaskContext) async throws {}
}

struct SendReminder: DurableTask {
    var order: Int
    func run(_ context: TaskContext) async throws {}
}

struct Shop: Application {
    var handlers: Handlers { Handlers([]) }

    func orders(of day: String) async throws -> [Int] { [] }
}

func newOrders() -> AsyncStream<Int> { AsyncStream { $0.finish() } }
