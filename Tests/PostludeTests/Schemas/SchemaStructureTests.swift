import Foundation
import Testing

@testable import Postlude

@Suite("The structure of a type")
struct SchemaStructureTests {
    private enum First {
        struct Item: Decodable { var count: Int }
        struct Order: Decodable {
            var id: Int
            var items: [Item]
            var first: Item
            var note: String?
        }
        struct Tree: Decodable {
            var value: Int
            var children: [Tree]
        }
    }

    private enum Second {
        struct Part: Decodable { var count: Int }
        struct Purchase: Decodable {
            var note: String?
            var first: Part
            var id: Int
            var items: [Part]
        }
        struct WithText: Decodable {
            var id: String
            var items: [Part]
            var first: Part
            var note: String?
        }
        struct WithRequired: Decodable {
            var id: Int
            var items: [Part]
            var first: Part
            var note: String
        }
        struct Node: Decodable {
            var children: [Node]
            var value: Int
        }
    }

    @Test("Names of types and the order of members do not count")
    func equal() throws {
        #expect(try Schema.structure(of: First.Order.self) == Schema.structure(of: Second.Purchase.self))
        #expect(try Schema.structure(of: First.Tree.self) == Schema.structure(of: Second.Node.self))
    }

    @Test("Types and presence of members count")
    func different() throws {
        let order = try Schema.structure(of: First.Order.self)
        #expect(try order != Schema.structure(of: Second.WithText.self))
        #expect(try order != Schema.structure(of: Second.WithRequired.self))
        #expect(try order != Schema.structure(of: First.Item.self))
        // No address of this process is in it.
        #expect(order.contains("\"count\"") && !order.contains("components"), "\(order)")
    }
}
