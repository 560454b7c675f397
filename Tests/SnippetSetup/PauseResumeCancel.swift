import Postlude
import PostludeDurable

struct SendReceipt: DurableTask {
    var order: Int
    func run(_ context: TaskContext) async throws {}
}

func write(_ row: Int) throws {}
