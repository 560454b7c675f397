import GRDB
import Postlude
import PostludeCelery
import PostludeDurable

struct Order: Codable, Sendable {
    var id: Int
    var email: String
}

struct PlacedOrder: Sendable {
    var id: String
}

struct Mail: Sendable {
    func send(_ text: String, to address: String, key: String?) async throws {}
}

struct Shop: Application {
    var handlers: Handlers { Handlers([]) }
}

let mail = Mail()
let durableTasks = DurableTasks()
let orders = [1, 2]
func readOrders() async throws -> [Int] { [] }
var database: DatabasePool { fatalError() }
let order = PlacedOrder(id: "7")
let address = "ada@example.org"
var context: TaskContext { fatalError() }

struct Provider: Sendable {
    func charge(_ order: PlacedOrder) async throws -> String { "" }
}

let provider = Provider()
func nextOrder(after id: Int) throws -> Order? { nil }
func export(_ order: Order) throws {}
var tasks: BackgroundTasks { fatalError() }
func receipt(of order: Int) throws -> String { "" }

struct Charge: DurableTask {
    var order: Int
    func run(_ context: TaskContext) async throws {}
}

struct SendReceipt: DurableTask {
    var order: Int
    var address: String
    func run(_ context: TaskContext) async throws {}
}
