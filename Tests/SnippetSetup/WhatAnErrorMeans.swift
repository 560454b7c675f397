import Postlude
import PostludeDurable

struct Message: Codable, Sendable {
    var text: String
}

struct Answer: Sendable {
    var status: Int
    var retryAfter: Int
}

struct Mailer: Sendable {
    var isOpen: Bool { true }
    func deliver(_ message: Message, to address: String, key: String?) async throws -> Answer { fatalError() }
}

let mailer = Mailer()

struct NotFound: Error {}
struct BadRequest: Error {}
struct Maintenance: Error {}
struct TooManyRequests: Error {}

func load(_ page: String) async throws -> String { "" }
func store(_ text: String) async throws {}
