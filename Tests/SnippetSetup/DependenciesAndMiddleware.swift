import Logging
import Postlude
import ServiceLifecycle

struct User: Sendable {
    var name: String
    var isAdministrator: Bool
}

struct Users: Sendable {
    func find(_ token: String) async throws -> User? { nil }
}

struct PooledDatabase: Sendable {
    func giveBack() async {}
}

struct Pool: Sendable {
    func take() async throws -> PooledDatabase { PooledDatabase() }
}

struct Shop: Application {
    let users = Users()
    let pool = Pool()
    var handlers: Handlers { Handlers([]) }
}

func closeShop(_ name: String, _ user: String) throws {}
func order(id: Path<Int>) throws -> [String: Int] { [:] }

struct SoldOut: Error {
    var title: String
}

struct Database: Service {
    func run() async throws {}
    func migrate() async throws {}
    func flush() async throws {}
}

let database = Database()
let logger = Logger(label: "shop")
