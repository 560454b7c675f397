import Postlude
import PostludeDurable
import PostludePostgres

struct Charge: DurableTask {
    var order: Int
    func run(_ context: TaskContext) async throws {}
}
