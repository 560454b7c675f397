import Foundation
import Postlude

struct Order: Codable, Sendable {
    var id: Int
}

struct Store: Sendable {
    func orders(of shop: String, limit: Int, after: UUID?) throws -> [Order] { [] }
}

let store = Store()

struct Transfer: Decodable, Sendable {
    var from: String
    var amount: Int
}

struct Receipt: Encodable, Sendable {}

func balance(of account: String) -> Int { 0 }
func execute(_ transfer: Transfer) throws -> Receipt { Receipt() }
func append(_ bytes: [UInt8], to name: String) throws {}
