import Foundation
import Testing

@testable import Postlude

/// The same declarations as in FastAPI 0.165 with pydantic 2.14, and FastAPI's own responses: place, message,
/// type and context.
@Suite("Responses to wrong inputs, compared with FastAPI's")
struct FastAPIAnswerTests {
    private struct Address: InputFields {
        @Field(2...) var city: String
        @Field(greaterThan: 0) var zip: Int
    }

    private struct Order: InputFields {
        @Field(3...5) var name: String
        @Field(0.5..<1) var ratio: Double = 0.5
        @Field(...2) var tags: [String] = []
        @Field(1...) var codes = [1]
        @Field(matching: "^[a-z]+$") var slug: String?
        @Field var address: Address?
        @Field var others: [Address] = []
        @Field(...10, name: "item_id", greaterThan: 0) var itemID = 1
        @Field var flag = false
    }

    private struct Search: InputFields {
        @Field(1...5) var q: String
        @Field(1...100) var limit = 20
        @Field(...2) var tags: [String] = []
        @Field var numbers: [Int] = []
        @Field(matching: "^[a-z]+$") var slug: String?
        @Field(name: "item_id", greaterThan: 0) var itemID = 1
        @Field(greaterThan: 0, lessThan: 1.5) var ratio = 1.0
    }

    private struct Person: InputFields {
        @Field(2...) var name: String
        @Field(18...) var age = 20
    }

    /// The issues as ``issues(of:sourceLocation:)`` writes them, each with its context.
    private func answer(_ body: () throws -> Void) throws -> [String] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let contexts = try contexts(of: body).map { context in
            var context = context
            // Postlude's alone.
            context?["line"] = nil
            context?["column"] = nil
            return try context.map { " " + String(decoding: try encoder.encode($0), as: UTF8.self) } ?? ""
        }
        return zip(issues(of: body), contexts).map(+)
    }

    private func contexts(of body: () throws -> Void) throws -> [[String: JSONValue]?] {
        do {
            try body()
            return []
        } catch let error as InputError {
            return error.issues.map(\.context)
        }
    }

    @Test("a JSON body", arguments: FastAPIAnswers.order)
    func order(text: String, expected: [String]) throws {
        let found = try answer {
            _ = try JSONBody<Order>(request: RequestFixture.post(text).request())
        }
        #expect(found == expected)
    }

    @Test("a query", arguments: FastAPIAnswers.search)
    func search(text: String, expected: [String]) throws {
        let found = try answer {
            _ = try Query<Search>(request: RequestFixture.get("/?" + text).request())
        }
        #expect(found == expected)
    }

    @Test("a form", arguments: FastAPIAnswers.form)
    func form(text: String, expected: [String]) throws {
        let found = try answer {
            _ = try Form<Person>(
                request: RequestFixture(
                    method: "POST", parameters: [("CONTENT_TYPE", "application/x-www-form-urlencoded")],
                    body: text
                ).request())
        }
        #expect(found == expected)
    }
}
