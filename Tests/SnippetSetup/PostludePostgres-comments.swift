import Postlude
import PostludeDurable
import PostludePostgres

struct Order: Codable, Sendable {
    var id: Int
    var email: String
}

struct Charge: DurableTask {
    var order: Int
    func run(_ context: TaskContext) async throws {}
}

let (id, email) = (7, "ada@example.com")
let order = Order(id: id, email: email)
var connection: PostgreSQLConnection { fatalError() }
var database: PostgreSQLDatabase { fatalError() }
var tasks: BackgroundTasks { fatalError() }
