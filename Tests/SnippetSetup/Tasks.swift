import Postlude

struct Registration: Decodable, Sendable {
    var email: EmailAddress
}

struct User: Sendable {
    var id: String
}

struct Users: Sendable {
    func insert(_ email: EmailAddress) throws -> User { fatalError() }
}

actor Statistics {
    func count(_ name: String) async throws {}
}

let users = Users()
let statistics = Statistics()
func sendWelcomeMail(id: String, to email: EmailAddress) async throws {}
func register(form: Form<Registration>, tasks: BackgroundTasks) throws -> [String: String] { [:] }

struct Order: Codable, Sendable {
    var total: Int
}

struct Payment: Sendable {}

struct Receipt: Encodable, Sendable {}

var tasks: BackgroundTasks { fatalError() }
let order = Order(total: 1)
func reserve(_ total: Int) throws -> Payment { fatalError() }
func settle(_ payment: Payment) async throws {}
func release(_ payment: Payment) async throws {}
func audit(_ payment: Payment) {}
func ship(_ order: Order) throws -> Receipt { fatalError() }
func store(_ order: Order) throws {}
func sendMail(_ order: Order) async throws {}
func callWebhook(_ order: Order) async throws {}
func archive(_ order: Order) throws {}
func remind(_ order: Order) async throws {}
func isPaid(_ order: Order) throws -> Bool { true }

struct Database: Sendable {
    func count(_ page: String) async throws {}
}

struct Shop: Application {
    let database = Database()
    var handlers: Handlers { Handlers([]) }
}

struct Page: Sendable {}

let pages: [Page] = []
func load(_ page: Page) throws {}
func alarm(_ text: String) {}
