import Foundation
import Testing

@testable import Postlude

/// Fields in inputs other than a query.
@Suite("Field, in every input")
struct FieldInputsTests {
    private struct Address: InputFields {
        @Field(2...) var city: String
        @Field(name: "post-code", greaterThan: 0) var code: Int
    }

    private struct Order: InputFields {
        @Field(1...3) var items: [Address]
        @Field var main: Address?
        @Field var byName: [String: Address] = [:]
        @Field(name: "made_at") var madeAt: Date?
        @Field var price: Decimal = 1
        @Field var link: URL?
        @Field var more: JSONValue = .null
        @Field var matrix: [[Int]] = []
    }

    private func issues<Value: Decodable>(_ body: String, as type: Value.Type) -> [String] {
        PostludeTests.issues { _ = try JSONBody<Value>(request: RequestFixture.post(body).request()) }
    }

    @Test("a JSON body contains other types with fields, lists and dictionaries of them")
    func nested() throws {
        let json = """
            {"items": [{"city": "ab", "post-code": 1}], "byName": {"x": {"city": "cd", "post-code": 2}},
             "main": null, "made_at": "1970-01-01T00:00:01Z", "price": 0.1, "link": "https://a.example",
             "more": {"a": [1]}, "matrix": [[1], [2, 3]]}
            """
        let order = try JSONBody<Order>(request: RequestFixture.post(json).request())
        #expect(order.items.map(\.code) == [1])
        #expect(order.byName["x"]?.city == "cd")
        #expect(order.main == nil)
        #expect(order.madeAt == Date(timeIntervalSince1970: 1))
        #expect(order.price == Decimal(string: "0.1"))
        #expect(order.link?.host() == "a.example")
        #expect(order.more == ["a": [1]])
        #expect(order.matrix == [[1], [2, 3]])
    }

    @Test("all of their mistakes are reported, with keys and indices")
    func wrongNested() {
        let json = """
            {"items": [{"city": "ab", "post-code": 1}, {"city": "a"}, 7, {"post-code": "x", "code": 1}],
             "main": {"city": 1, "post-code": 0}, "byName": {"x": {"city": "c", "post-code": 2}},
             "made_at": 1, "price": "1", "link": "", "matrix": [[1, "a"], 2, ["b", true]]}
            """
        #expect(
            issues(json, as: Order.self) == [
                "body.items.[1].city: String should have at least 2 characters (string_too_short)",
                "body.items.[1].post-code: Field required (missing)",
                "body.items.[2]: Input should be a valid dictionary (dict_type)",
                "body.items.[3].city: Field required (missing)",
                "body.items.[3].post-code: Input should be a valid integer (int_type)",
                "body.main.city: Input should be a valid string (string_type)",
                "body.main.post-code: Input should be greater than 0 (greater_than)",
                "body.byName.x.city: String should have at least 2 characters (string_too_short)",
                "body.made_at: Input should be a valid datetime (datetime_type)",
                "body.price: Input should be a valid number (float_type)",
                "body.link: Input should be a valid URL (url_parsing)",
                "body.matrix.[0].[1]: Input should be a valid integer (int_type)",
                "body.matrix.[1]: Input should be a valid list (list_type)",
                "body.matrix.[2].[0]: Input should be a valid integer (int_type)",
                "body.matrix.[2].[1]: Input should be a valid integer (int_type)",
            ])
    }

    @Test("a list of them is a body, and a plain type may contain them")
    func mixed() throws {
        struct Plain: Decodable {
            var name: String
            var address: Address
        }
        #expect(
            issues(#"[{"city": "a", "post-code": 1}, {"city": "ab"}]"#, as: [Address].self) == [
                "body.[0].city: String should have at least 2 characters (string_too_short)",
                "body.[1].post-code: Field required (missing)",
            ])
        #expect(
            issues(#"{"name": "a", "address": {}}"#, as: Plain.self) == [
                "body.address.city: Field required (missing)",
                "body.address.post-code: Field required (missing)",
            ])
        #expect(issues("[]", as: Address.self) == ["body: Input should be a valid dictionary (dict_type)"])
        let json = #"{"name": "a", "address": {"city": "ab", "post-code": 7}}"#
        #expect(try JSONBody<Plain>(request: RequestFixture.post(json).request()).address.code == 7)
    }

    @Test("null is not a value of a field with a default, nor of an optional one")
    func null() {
        #expect(
            issues(
                #"{"items": [{"city": "ab", "post-code": 1}], "price": null, "main": null}"#, as: Order.self)
                == ["body.price: Input should be a valid number (float_type)"])
    }

    @Test("a path's parameters")
    func path() throws {
        struct Item: InputFields {
            @Field(name: "item_id", greaterThan: 0) var itemID: Int
        }
        let fixture = RequestFixture.get("/items/7", route: "/items/{item_id}")
        #expect(try Path<Item>(request: fixture.request()).itemID == 7)
        let found = PostludeTests.issues {
            _ = try Path<Item>(request: RequestFixture.get("/items/0", route: "/items/{item_id}").request())
        }
        #expect(found == ["path.item_id: Input should be greater than 0 (greater_than)"])
    }

    @Test("a type that reads its own fields sees none with mistakes")
    func lookedAt() throws {
        struct Parcel: Decodable {
            enum Keys: CodingKey { case address, others }
            var label: String
            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: Keys.self)
                let others = try container.decode([String: [Address]].self, forKey: .others)
                let address = try container.decode(Address.self, forKey: .address)
                label = (others.values.flatMap(\.self) + [address]).map { "\($0.code) \($0.city)" }.joined()
            }
        }
        let good = #"{"address": {"city": "ab", "post-code": 1}, "others": {}}"#
        #expect(try JSONBody<Parcel>(request: RequestFixture.post(good).request()).label == "1 ab")
        #expect(
            issues(#"{"address": {"city": "a"}, "others": {}}"#, as: Parcel.self) == [
                "body.address.city: String should have at least 2 characters (string_too_short)",
                "body.address.post-code: Field required (missing)",
            ])
        let wrong = #"{"city": "ab", "post-code": 0}"#
        #expect(
            issues(#"{"address": 1, "others": {"x": [\#(wrong), \#(wrong)]}}"#, as: Parcel.self) == [
                "body.others.x.[0].post-code: Input should be greater than 0 (greater_than)",
                "body.others.x.[1].post-code: Input should be greater than 0 (greater_than)",
            ])
    }

    /// Decodes its fields by itself, if they are there.
    private struct Chosen: InputFields {
        enum CodingKeys: CodingKey, CaseIterable { case code, city }

        @Field(name: "post-code", greaterThan: 0) var code: Int?
        @Field var city: String?
        /// What the container says.
        var found: [String] = []

        init() {}

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            found = CodingKeys.allCases.filter { container.contains($0) }.map(\.stringValue)
            found += container.allKeys.map { "all: \($0.stringValue)" }.sorted()
            if container.contains(.code) { _code = try container.decode(Field<Int?>.self, forKey: .code) }
            if container.contains(.city) { _city = try container.decode(Field<String?>.self, forKey: .city) }
        }
    }

    @Test("a type that asks which fields were sent gets them by their properties, whatever their names are")
    func asked() throws {
        func decode(_ name: String) throws -> [Chosen] {
            [
                try JSONBody<Chosen>(request: RequestFixture.post("{\"\(name)\": 5}").request()).value,
                try Query<Chosen>(request: RequestFixture.get("/?\(name)=5").request()).value,
                try MultipartFixture.form(("name=\(name)", "5")).decode(Chosen.self),
            ]
        }
        for chosen in try decode("post-code") {
            #expect(chosen.found == ["code", "all: code"])
            #expect(chosen.code == 5 && chosen.city == nil)
        }
        for chosen in try decode("code") {
            #expect(chosen.found == [] && chosen.code == nil)
        }
        #expect(
            issues(#"{"post-code": 0}"#, as: Chosen.self) == [
                "body.post-code: Input should be greater than 0 (greater_than)"
            ])
    }

    @Test("header fields, by property and by name")
    func header() throws {
        struct Fields: InputFields {
            @Field(2...) var userAgent: String
            @Field(name: "X-Token", matching: "^[0-9]+$") var token: String?
            @Field var accept: [String] = []
            @Field(...9) var xLimit = 3
        }
        let request = try RequestFixture(parameters: [
            ("HTTP_USER_AGENT", "curl"), ("HTTP_X_TOKEN", "12"), ("HTTP_ACCEPT", "a/b"),
            ("HTTP_ACCEPT", "c/d"),
        ]).request()
        let header = try Header<Fields>(request: request)
        #expect(header.userAgent == "curl")
        #expect(header.token == "12")
        #expect(header.accept == ["a/b", "c/d"])
        #expect(header.xLimit == 3)
        let found = PostludeTests.issues {
            _ = try Header<Fields>(
                request: RequestFixture(parameters: [("HTTP_X_TOKEN", "x"), ("HTTP_X_LIMIT", "10")]).request()
            )
        }
        #expect(
            found == [
                "header.user-agent: Field required (missing)",
                "header.x-token: String should match pattern '^[0-9]+$' (string_pattern_mismatch)",
                "header.x-limit: Input should be less than or equal to 9 (less_than_equal)",
            ])
    }

    @Test("issues of several inputs are reported together, with their contexts")
    func together() throws {
        let request = try RequestFixture(
            method: "POST", uri: "/?city=a&post-code=1", parameters: [("CONTENT_TYPE", "application/json")],
            body: #"{"city": "ab", "post-code": 0}"#
        ).request()
        let error = #expect(throws: InputError.self) {
            try InputReading.call({ (_: Query<Address>, _: JSONBody<Address>) in }, with: request)
        }
        #expect(error?.issues.map(\.type) == ["string_too_short", "greater_than"])
        #expect(error?.issues.map(\.context) == [["min_length": 2], ["gt": 0]])
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let json = String(decoding: try encoder.encode(error), as: UTF8.self)
        #expect(json.contains(#"{"ctx":{"gt":0},"loc":["body","post-code"],"#))
    }
}
