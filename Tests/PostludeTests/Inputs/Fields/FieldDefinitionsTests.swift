import Foundation
import Testing

@testable import Postlude

@Suite("FieldDefinitions")
struct FieldDefinitionsTests {
    private struct Order: InputFields {
        @Field(1...3) var items: [Int]
        @Field(name: "ship-to", summary: "Where it goes") var shipTo: String?
        @Field(2..<10, matching: "^a") var coupon: String = "ab"
        @Field(..<5, greaterThan: 0) var weight: Double
        @Field var since = Date(timeIntervalSince1970: 0)
    }

    @Test("are in the order of declaration, and have the declarations' values")
    func order() throws {
        let fields = try #require(FieldDefinitions.of(Order.self))
        #expect(fields.map(\.key) == ["items", "shipTo", "coupon", "weight", "since"])
        #expect(fields.map(\.name) == ["items", "ship-to", "coupon", "weight", "since"])
        #expect(fields.map(\.isNameGiven) == [false, true, false, false, false])
        #expect(fields.map(\.isRequired) == [true, false, false, true, false])
        #expect(fields.map(\.summary) == [nil, "Where it goes", nil, nil, nil])
        #expect(
            fields.map(\.rules) == [
                FieldRules(minimumCount: 1, maximumCount: 3), FieldRules(),
                FieldRules(minimumLength: 2, maximumLength: 9, pattern: "^a"),
                FieldRules(exclusiveMinimum: 0, exclusiveMaximum: 5), FieldRules(),
            ])
        #expect(
            fields.map { $0.defaultValue as? JSONValue } == [nil, nil, "ab", nil, "1970-01-01T00:00:00Z"])
        #expect(type(of: fields[0]).valueType == [Int].self)
        #expect(type(of: fields[1]).valueType == String?.self)
    }

    @Test("other types have none")
    func others() {
        struct Plain: Decodable { var a: Int }
        #expect(FieldDefinitions.of(Plain.self) == nil)
        #expect(FieldDefinitions.of(Int.self) == nil)
        #expect(FieldDefinitions.problem(of: Plain.self) == nil)
        #expect(FieldDefinitions.problem(of: Order.self) == nil)
    }

    // MARK: Mistakes of the application

    private struct Keyed: InputFields {
        @Field var itemID: Int
        enum CodingKeys: String, CodingKey { case itemID = "item_id" }
    }

    private struct Left: InputFields {
        @Field var a: Int
        @Field var b = 1
        enum CodingKeys: CodingKey { case a }
    }

    private struct Mixed: InputFields {
        @Field var a: Int
        var b: Int?
    }

    private struct Twice: InputFields {
        @Field(name: "b") var a: Int
        @Field var b: Int
    }

    private struct Empty: InputFields {
        @Field(5..., lessThan: 3) var a: Int
    }

    private struct Unreadable: InputFields {
        @Field(matching: "(") var a: String
    }

    private struct Outer: InputFields {
        @Field var inner: [Keyed]?
    }

    @Test(
        "a type that could not be decoded as declared is named",
        arguments: [
            (Keyed.self as Any.Type, "\"item_id\" is decoded and is not a @Field"),
            (Left.self, "Left.b is never decoded"), (Mixed.self, "\"b\" is decoded and is not a @Field"),
            (Twice.self, "two fields are called \"b\""), (Empty.self, "no value is between 5 and 3"),
            (Unreadable.self, "Unreadable.a: the pattern ( is invalid: PCRE2 error"),
            (Outer.self, "\"item_id\" is decoded and is not a @Field"),
            ([String: Outer?].self, "\"item_id\" is decoded and is not a @Field"),
        ])
    func problems(type: Any.Type, text: String) throws {
        let problem = try #require(FieldDefinitions.problem(of: type))
        #expect(problem.contains(text), "\(problem)")
    }

    @Test("such a handler is refused before it is served, and such a type decodes nothing")
    func handler() throws {
        let handler = Handler("a") { (query: Query<Keyed>) in "\(query.itemID)" }
        #expect(handler.problem?.contains("item_id") == true)
        #expect(throws: FieldMisuse.self) {
            _ = try Query<Keyed>(request: RequestFixture.get("/?itemID=1&item_id=1").request())
        }
    }
}
