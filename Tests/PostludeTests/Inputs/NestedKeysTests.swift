import Foundation
import Testing

@testable import Postlude

@Suite("NestedKeys")
struct NestedKeysTests {
    struct Order: Decodable, Equatable {
        struct Address: Decodable, Equatable {
            var city: String
            var since: Date?
        }

        struct Line: Decodable, Equatable {
            var name: String
            var count: Int?
            var tags: [String]?
        }

        var id: Int?
        var address: Address?
        var lines: [Line]?
        var prices: [String: Double]?
        var codes: [Int: String]?
        var grid: [[Int]]?
    }

    private static func fixture(_ body: String) -> RequestFixture {
        RequestFixture(
            method: "POST", parameters: [("CONTENT_TYPE", "application/x-www-form-urlencoded")], body: body)
    }

    static func order(_ body: String) throws -> Order {
        try Form<NestedKeys<Order>>(request: fixture(body).request()).value.value
    }

    private func issues(_ body: String) -> [String] { PostludeTests.issues { _ = try Self.order(body) } }

    @Test(
        "members are named with brackets, with dots, or with both",
        arguments: [
            "id=1&address[city]=Oslo&lines[0][name]=a&lines[0][tags][]=x&lines[0][tags][]=y&lines[1][name]=b",
            "id=1&address.city=Oslo&lines.0.name=a&lines.0.tags=x&lines.0.tags=y&lines.1.name=b",
            "lines[7].name=b&lines[2].name=a&id=1&address%5Bcity%5D=Oslo&lines[2].tags[0]=x&lines[2].tags[1]=y",
        ])
    func syntax(body: String) throws {
        let expected = Order(
            id: 1, address: .init(city: "Oslo"),
            lines: [.init(name: "a", tags: ["x", "y"]), .init(name: "b")])
        #expect(try Self.order(body) == expected)
    }

    @Test("dictionaries, lists of lists and Foundation's types are read, and members through the input")
    func types() throws {
        let body =
            "prices[a.b]=1.5&prices[17]=2&codes[4711]=x&grid[0][]=1&grid[0][]=2&grid[1][]=3"
            + "&address[city]=Oslo&address[since]=2030-01-31T12:00:00Z"
        let form = try Form<NestedKeys<Order>>(request: Self.fixture(body).request())
        #expect(form.prices == ["a.b": 1.5, "17": 2] && form.codes == [4711: "x"])
        #expect(form.grid == [[1, 2], [3]])
        #expect(form.address?.since == Date(timeIntervalSince1970: 1_896_091_200))
    }

    @Test("an empty field is absent, as it is without steps")
    func empty() throws {
        #expect(try Self.order("address[city]=&lines[0][name]=&id=") == Order())
        #expect(try Self.order("") == Order())
    }

    @Test("a query is read in the same way, and a form without NestedKeys as always")
    func query() throws {
        let request = try RequestFixture.get("/a?address[city]=Oslo&id=1").request()
        #expect(try Query<NestedKeys<Order>>(request: request).address?.city == "Oslo")
        #expect(try Query<[String: String]>(request: request).value["address[city]"] == "Oslo")
    }

    @Test("mistakes in values have the place of the value, with the client's index")
    func values() {
        #expect(
            issues("lines[3][name]=a&lines[3][count]=x")
                == [
                    "body.lines.[3].count: Input should be a valid integer, unable to parse string as an integer "
                        + "(int_parsing)"
                ])
        #expect(issues("address[since]=x").first == "body.address.city: Field required (missing)")
        #expect(issues("address=Oslo").first?.hasPrefix("body.address: Input should be a valid dict") == true)
        #expect(issues("id[a]=1") == ["body.id: Input should be one value, not several fields (scalar_type)"])
    }

    @Test(
        "a name that cannot be read is refused with that name",
        arguments: [
            ("a[", "key_syntax"), ("a]", "key_syntax"), ("[a]", "key_syntax"), ("a[b]c", "key_syntax"),
            ("a[b[c]]", "key_syntax"), ("a..b", "key_syntax"), (".a", "key_syntax"), ("a.", "key_syntax"),
            ("lines[][name]", "key_index"), ("lines[].name", "key_index"),
            ("a" + String(repeating: "[0]", count: 8), "key_depth"),
            ("a" + String(repeating: ".b", count: 1_000), "key_depth"),
        ])
    func refused(name: String, type: String) throws {
        let error = try #require(throws: InputError.self) { _ = try Self.order("\(name)=x") }
        #expect(error.issues.map(\.type) == [type])
        #expect(error.issues.first?.location == ["body", .key(name)])
    }

    @Test("the deepest name is read")
    func deepest() throws {
        #expect(try Self.order("a" + String(repeating: "[0]", count: 7) + "=x") == Order())
    }

    @Test(
        "a name is either a value or has members, in any order",
        arguments: [
            ("address=a&address[city]=b", "address[city]"), ("address[city]=b&address=a", "address"),
            ("id[]=1&id[0]=2", "id[0]"), ("x[a][b]=1&x[a]=2", "x[a]"),
        ])
    func conflicts(body: String, name: String) throws {
        let error = try #require(throws: InputError.self) { _ = try Self.order(body) }
        #expect(error.issues.map(\.type) == ["key_conflict"])
        #expect(error.issues.first?.location == ["body", .key(name)])
    }

    @Test(
        "the index of an element is a small number",
        arguments: ["1000", "999999999", "99999999999999999999", "-1", "01", "a", "1e1", "\u{661}"])
    func indices(index: String) throws {
        let error = try #require(throws: InputError.self) {
            _ = try Self.order("lines[\(index)][name]=a")
        }
        #expect(error.issues.map(\.type) == ["key_index"])
        #expect(error.issues.first?.location == ["body", "lines", .key(index)])
        #expect(try Self.order("lines[999][name]=a").lines?.count == 1)
    }

    @Test("there is a bound for the number of fields")
    func count() throws {
        func query(_ count: Int) -> String { "/?" + (0..<count).map { "x[\($0)]=a" }.joined(separator: "&") }
        let most = try RequestFixture.get(query(1_000)).request()
        #expect(try Query<NestedKeys<Order>>(request: most).value.value == Order())
        let error = try #require(throws: InputError.self) {
            _ = try Query<NestedKeys<Order>>(request: RequestFixture.get(query(1_001)).request())
        }
        #expect(error.issues.map(\.type) == ["too_long"] && error.issues.first?.location == ["query"])
    }

    struct Signup: InputFields {
        struct Pet: InputFields {
            @Field(1...8) var name: String
            @Field(name: "age-in-years", greaterThan: 0) var age: Int
        }

        @Field var pets: [Pet]
        @Field(3...9) var nick: String
    }

    @Test("rules of fields apply to members, and all mistakes are in one answer")
    func fields() throws {
        func issues(_ body: String) -> [String] {
            PostludeTests.issues {
                _ = try Form<NestedKeys<Signup>>(request: Self.fixture(body).request())
            }.map { String($0.prefix { $0 != ":" }) }
        }
        #expect(issues("pets[0][name]=Rex&pets[0][age-in-years]=3&nick=ada") == [])
        #expect(
            issues("pets[0][name]=much too long&pets[0][age-in-years]=0&pets[4].name=Rex&nick=a") == [
                "body.pets.[0].name", "body.pets.[0].age-in-years", "body.pets.[4].age-in-years", "body.nick",
            ])
    }

    @Test("parts of a multipart form, and files among them, have such names, too")
    func multipart() throws {
        struct Album: Decodable {
            struct Photo: Decodable {
                var title: String
                var image: UploadedFile
            }

            var photos: [Photo]
        }
        var fixture = MultipartFixture()
        fixture.add("name=\"photos[1][title]\"", Array("b".utf8))
        fixture.add("name=\"photos[0][title]\"", Array("a".utf8))
        fixture.add("name=\"photos[0][image]\"; filename=a", Array("first".utf8))
        fixture.add("name=\"photos[1][image]\"; filename=b", Array("second".utf8))
        fixture.close()
        let album = try MultipartDecoder(fixture.form()).decodeInput(NestedKeys<Album>.self)
        #expect(album.photos.map(\.title) == ["a", "b"])
        #expect(
            try album.photos.map { try $0.image.contents(limit: 100) }
                == ["first", "second"].map { Array($0.utf8) })
    }

    @Test("another decoder reads the value as it is")
    func json() throws {
        let data = Data(#"{"address": {"city": "Oslo"}}"#.utf8)
        #expect(try JSONDecoder().decode(NestedKeys<Order>.self, from: data).address?.city == "Oslo")
    }

    @Test("the description of the API says how members are written")
    func description() {
        var operation = OperationDescription()
        Form<NestedKeys<Order>>.describe(&operation)
        Query<NestedKeys<Order>>.describe(&operation)
        let encoding = operation.body.first?.encoding
        #expect(encoding?["address"] == ["style": "deepObject", "explode": true])
        #expect(Set(encoding?.keys.sorted() ?? []) == ["address", "lines", "prices", "codes", "grid"])
        #expect(operation.parameters.first { $0.name == "lines" }?.style == "deepObject")
        #expect(operation.parameters.first { $0.name == "id" }?.style == nil)
        var flat = OperationDescription()
        Form<Order>.describe(&flat)
        #expect(flat.body.first?.encoding.isEmpty == true)
    }
}
