import GRDB
import Postlude
import PostludeDurable
import PostludePostgres

struct Order: Codable, Sendable {
    var id: Int
    var price: Int
}

struct Charge: DurableTask {
    var order: Int
    func run(_ context: TaskContext) async throws {}
}

struct Provider: Sendable {
    func charge(_ order: Int, idempotencyKey: String?) async throws -> String { fatalError() }
}

let provider = Provider()
var database: DatabasePool { fatalError() }
var postgreSQL: PostgreSQLDatabase { fatalError() }
