import Postlude
import PostludeDurable
import PostludeTesting
import Testing

struct Shop: Application {
    var handlers: Handlers { Handlers([]) }
}

struct Order: Codable, Sendable {
    var id: Int
    var address: String
}

struct Receipt: Codable, Sendable {
    var number: String
}

struct Provider: Sendable {
    func charge(_ order: Int, idempotencyKey: String?) async throws -> Receipt { fatalError() }
}

struct Mailer: Sendable {
    func send(_ order: Int, to address: String) async throws {}
}

actor Statistics {
    func count(_ name: String) {}
}

let provider = Provider()
let mailer = Mailer()
let statistics = Statistics()
var tasks: BackgroundTasks { fatalError() }
let order = Order(id: 7, address: "ada@example.org")

struct Charge: DurableTask {
    var order: Int
    func run(_ context: TaskContext) async throws -> Receipt { fatalError() }
}

struct SendReceipt: DurableTask {
    var order: Int
    var address: String
    func run(_ context: TaskContext) async throws {}
}

struct AskForReview: DurableTask {
    var order: Int
    func run(_ context: TaskContext) async throws {}
}

struct SendCode: DurableTask {
    var address: String
    init(to address: String) { self.address = address }
    func run(_ context: TaskContext) async throws {}
}
