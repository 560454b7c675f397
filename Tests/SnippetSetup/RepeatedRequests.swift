import Postlude
import PostludeTesting
import Testing

struct Shop: Application {
    var handlers: Handlers { Handlers([]) }
    func customer(_ token: String) async throws -> String? { nil }
}

struct Order: Codable, Sendable {
    var item: Int
}
