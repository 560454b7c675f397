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
    func send(_ receipt: Receipt, to address: String) async throws {}
    func askForReview(of order: Order, at address: String) async throws {}
}

let provider = Provider()
let mailer = Mailer()

func countOrders() throws -> Int { 0 }
func nextOrder(after id: Int) throws -> Order? { nil }
func export(_ order: Order) throws {}
