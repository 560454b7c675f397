import Foundation
import Postlude

struct Order: Codable, Sendable {
    var id: Int
}

struct Store: Sendable {
    func remove(_ id: Int) throws {}
    func insert(_ order: Order) throws -> Order { order }
    func left(of order: Order) -> Int { 0 }
    func save(_ settings: Settings) throws {}
}

let store = Store()

struct Month: Decodable, Sendable {
    var number: Int
}

struct Picture: Decodable, Sendable {
    var name: String
}

struct Row: Sendable {
    var id: Int
    var name: String
}

let rows: [Row] = []

struct Change: Sendable {
    var id: String
    var text: String
}

struct News: Sendable {
    func changes(after id: String?) -> AsyncStream<Change> { AsyncStream { $0.finish() } }
}

struct Shop: Application {
    let news = News()
    var handlers: Handlers { Handlers([]) }
}

struct Settings: Decodable, Sendable {}

struct Credentials: Decodable, Sendable {}

struct Sessions: Sendable {
    func open(_ credentials: Credentials) throws -> String { "" }
}

let sessions = Sessions()
