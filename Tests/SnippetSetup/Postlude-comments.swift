import Foundation
import Logging
import Postlude
import ServiceLifecycle
import UnixSignals

struct Shop: Application {
    let users = Users()
    let password = "open sesame"
    var handlers: Handlers { Handlers([]) }
}

struct User: Sendable {
    var name: String
}

struct Users: Sendable {
    func find(_ token: String) async throws -> User? { nil }
}

struct Database: Service {
    func run() async throws {}
}

struct News: Sendable {
    func events(after id: String?) -> AsyncStream<ServerSentEvent> { AsyncStream { $0.finish() } }
}

let database = Database()
let logger = Logger(label: "shop")
let news = News()
let token = "5f2c"

struct Item: Codable, Sendable {
    var id: Int
}

struct Address: Codable, Sendable {}

struct Result: Codable, Sendable {}

struct Colour: Codable, Sendable {}

struct Month: Decodable, Sendable {
    var month: Int
}

struct Picture: Decodable, Sendable {
    var name: String
}

struct Settings: Decodable, Sendable {}

struct Letter: Decodable, Sendable {
    var letter: UploadedFile
}

func sendNotification(email: Query<String>, tasks: BackgroundTasks) -> [String: String] { [:] }
func processItem(item: Path<Item>, tasks: BackgroundTasks) -> [String: String] { [:] }
func processData(id: Int, priority: String) async throws {}
func audit() async throws {}
func makeThumbnail(of image: UploadedFile) throws {}

struct Order: Sendable {}

struct Payment: Sendable {}

struct Page: Sendable {}

var tasks: BackgroundTasks { fatalError() }
let order = Order()
let payment = Payment()
let message = "Hello"
let pages: [Page] = []
func store(_ order: Order) throws {}
func sendMail(_ order: Order) async throws {}
func callWebhook(_ order: Order) async throws {}
func archive(_ order: Order) throws {}
func sendReceipt(_ order: Order) async throws {}
func refund(_ payment: Payment) async throws {}
func deliver(_ message: String) async throws {}

struct Delivery: Sendable {
    var status: Int
    var retryAfter: Int
}

func attemptDelivery(of message: String) async throws -> Delivery { fatalError() }
struct NotFound: Error {}
struct BadRequest: Error {}
func load(_ page: Page) throws {}
