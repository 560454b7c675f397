import Postlude
import PostludeDurable

// The kinds of tasks that the documentation's manifests name.

struct Charge: DurableTask {
    var order: Int

    func run(_ context: TaskContext) async throws {}
}

struct SendReceipt: DurableTask {
    var order: Int
    var address: String

    func run(_ context: TaskContext) async throws {}
}

struct Cleanup: DurableTask {
    var days: Int

    func run(_ context: TaskContext) async throws {}
}

struct Render: DurableTask {
    var customer: Int
    var page: Int

    func run(_ context: TaskContext) async throws {}
}

struct Sync: DurableTask {
    var account: Int

    func run(_ context: TaskContext) async throws {}
}
