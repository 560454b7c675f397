import Foundation
import HTTPTypes
import PostludeJSON
import Testing

@testable import Postlude

@Suite("Body")
struct BodyTests {
    private struct Address: Decodable, Equatable {
        var city: String
        var zip: Int
    }

    private struct Person: Decodable, Equatable {
        var name: String
        var email: EmailAddress?
        var addresses: [Address]
    }

    private func issues<Value: Decodable>(_ body: String, as type: Value.Type) -> [String] {
        PostludeTests.issues { _ = try JSONBody<Value>(request: RequestFixture.post(body).request()) }
    }

    @Test("JSON becomes a value, whose members are read through the input")
    func value() throws {
        let json =
            #"{"name": "Ä", "email": "a@b.example", "addresses": [{"city": "X", "zip": 1}], "more": null}"#
        let body = try JSONBody<Person>(request: RequestFixture.post(json).request())
        #expect(body.name == "Ä")
        #expect(body.email?.description == "a@b.example")
        #expect(body.value.addresses.map(\.city) == ["X"])
    }

    @Test("a body in many pieces is one value")
    func large() throws {
        let numbers = Array(0..<50_000)
        let body = try JSONBody<[Int]>(request: RequestFixture.post("\(numbers)").request())
        #expect(body.value == numbers)
    }

    @Test("scalars, lists and dictionaries are bodies too")
    func fragments() throws {
        #expect(try JSONBody<Int>(request: RequestFixture.post("7").request()).value == 7)
        #expect(
            try JSONBody<[String: Int]>(request: RequestFixture.post(#"{"a":1}"#).request()).value == ["a": 1]
        )
    }

    @Test("an empty body is missing, or nil")
    func missing() throws {
        #expect(try JSONBody<Person?>(request: RequestFixture.post("").request()).value == nil)
        #expect(try JSONBody<Int?>(request: RequestFixture.post("null").request()).value == nil)
        #expect(issues("", as: Int.self) == ["body: Field required (missing)"])
        #expect(issues("", as: [Int].self) == ["body: Field required (missing)"])
        #expect(issues("", as: JSONValue.self) == ["body: Field required (missing)"])
        #expect(issues("", as: Person.self) == ["body: Field required (missing)"])
    }

    @Test(
        "malformed JSON is reported once, with its position in characters",
        arguments: [
            ("{", 1), ("{]", 1), ("name=x", 0), (#"{"name": }"#, 9), ("[1,2", 4), (" ", 1), ("{} {}", 3),
            ("\u{0}", 0), (#"{"ä": 1,}"#, 8), ("[1,]", 3), ("7\0", 1), ("\u{0}7", 0), ("[\0]\0", 1),
            ("\"a\0\"", 2), (#"["\x"]"#, 2), ("[\"a", 1), ("[01]", 2), ("nul", 0), (#"{"a" 1}"#, 5),
        ])
    func malformed(json: String, offset: Int) {
        let issue = "body.[\(offset)]: JSON decode error (json_invalid)"
        #expect(issues(json, as: JSONValue.self) == [issue])
        #expect(issues(json, as: Person.self) == [issue])
        #expect(issues(json, as: [Int].self) == [issue])
    }

    @Test("mistakes in JSON are described, with line and column")
    func context() throws {
        let error = #expect(throws: InputError.self) {
            _ = try JSONBody<JSONValue>(request: RequestFixture.post("{\n  \"ä\": 1,\n  2\n}").request())
        }
        #expect(
            error?.issues == [
                InputIssue(
                    location: ["body", .index(14)], message: "JSON decode error", type: "json_invalid",
                    context: [
                        "error": "Expecting property name enclosed in double quotes", "line": 3, "column": 3,
                    ])
            ])
    }

    @Test("bytes that are not UTF-8 are malformed")
    func encoding() {
        let error = #expect(throws: JSONSyntaxError.self) {
            try JSONDocument(body: [0x5b, 0x22, 0xc3, 0xa4, 0xff, 0x22, 0x5d])
        }
        #expect(error?.reason.text == "Invalid UTF-8")
        #expect(error?.position == 4)
        #expect(error?.offset == 3)
    }

    @Test("endless nesting is malformed, and does not crash")
    func deep() async throws {
        let found = try await onThread {
            let json = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
            return issues(json, as: JSONValue.self)
        }
        #expect(found == ["body.[500]: JSON decode error (json_invalid)"])
    }

    @Test(
        "JSON is accepted by its media type, with parameters and in any case",
        arguments: [
            "application/json", "application/json; charset=utf-8", "Application/JSON;charset=utf-8",
            "application/json ;x", "application/problem+json", "application/vnd.api+json; version=1",
        ])
    func mediaTypes(type: String) throws {
        let fixture = RequestFixture(method: "POST", parameters: [("CONTENT_TYPE", type)], body: "7")
        #expect(try JSONBody<Int>(request: fixture.request()).value == 7)
    }

    @Test(
        "a body of another type, or without a type, is answered with 415",
        arguments: [
            "", "text/plain", "text/json", "application/x-www-form-urlencoded", "application/jsonx",
            "multipart/form-data; boundary=application/json", "json", "text/x+json", ";application/json",
        ])
    func otherMediaTypes(type: String) throws {
        let parameters = type.isEmpty ? [] : [("CONTENT_TYPE", type)]
        let error = #expect(throws: HTTPError.self) {
            let fixture = RequestFixture(method: "POST", parameters: parameters, body: "7")
            _ = try JSONBody<Int>(request: fixture.request())
        }
        #expect(error?.status == .unsupportedMediaType)
        #expect(error?.detail.hasPrefix("Content-Type should be application/json") == true)
    }

    @Test("of several members with one key the last one counts, as in a query")
    func repeatedKeys() throws {
        struct Pair: Decodable {
            var a: Int
            var b: Int?
        }
        let json = #"{"a": "no number", "b": 1, "a": 1, "\u0061": 2}"#
        #expect(try JSONBody<Pair>(request: RequestFixture.post(json).request()).a == 2)
        #expect(
            try JSONBody<[String: JSONValue]>(request: RequestFixture.post(json).request()).value["a"] == 2)
        #expect(try JSONBody<JSONValue>(request: RequestFixture.post(json).request()).value["a"] == 2)
        let many =
            "{" + (0..<100).map { "\"k\($0 % 50)\": \($0)" }.joined(separator: ",") + ", \"a\": 1, \"a\": 2}"
        let value = try JSONBody<[String: Int]>(request: RequestFixture.post(many).request()).value
        #expect(value["a"] == 2 && value["k0"] == 50 && value.count == 51)
        #expect(try JSONBody<Pair>(request: RequestFixture.post(many).request()).a == 2)
    }

    @Test(
        "keys that are canonically equivalent but have other bytes are different keys", arguments: [0, 100])
    func equivalentKeys(more: Int) throws {
        struct Names: Decodable {
            enum CodingKeys: CodingKey {
                case composed, decomposed
                var stringValue: String { self == .composed ? "\u{e9}" : "e\u{301}" }
                var intValue: Int? { nil }
                init?(stringValue: String) { nil }
                init?(intValue: Int) { nil }
            }
            var composed: Int
            var decomposed: Int?
        }
        let others = (0..<more).map { ", \"k\($0)\": 0" }.joined()
        let both = try JSONBody<Names>(
            request: RequestFixture.post("{\"e\u{301}\": 1, \"\u{e9}\": 2\(others)}").request())
        #expect(both.composed == 2 && both.decomposed == 1)
        let one = try JSONBody<Names>(request: RequestFixture.post("{\"\u{e9}\": 2\(others)}").request())
        #expect(one.decomposed == nil)
        #expect(
            issues("{\"e\u{301}\": 1\(others)}", as: Names.self) == ["body.\u{e9}: Field required (missing)"])
    }

    @Test("a missing key is reported with its path")
    func missingKeys() {
        #expect(issues("{}", as: Person.self) == ["body.name: Field required (missing)"])
        #expect(
            issues(#"{"name": "a", "addresses": [{"city": "b", "zip": 1}, {"city": "c"}]}"#, as: Person.self)
                == ["body.addresses.[1].zip: Field required (missing)"])
    }

    @Test(
        "a wrong type is reported with its path, in FastAPI's words",
        arguments: [
            (#"{"name": 1, "addresses": []}"#, "body.name: Input should be a valid string (string_type)"),
            (#"{"name": null, "addresses": []}"#, "body.name: Input should be a valid string (string_type)"),
            (#"{"name": "a", "addresses": {}}"#, "body.addresses: Input should be a valid list (list_type)"),
            (
                #"{"name": "a", "addresses": [7]}"#,
                "body.addresses.[0]: Input should be a valid dictionary (dict_type)"
            ),
            (
                #"{"name": "a", "addresses": [{"city": "b", "zip": "1"}]}"#,
                "body.addresses.[0].zip: Input should be a valid integer (int_type)"
            ),
            ("[]", "body: Input should be a valid dictionary (dict_type)"),
            ("7", "body: Input should be a valid dictionary (dict_type)"),
            ("null", "body: Input should be a valid dictionary (dict_type)"),
        ])
    func wrongTypes(json: String, issue: String) {
        #expect(issues(json, as: Person.self) == [issue])
    }

    @Test("an error for a number that does not fit names the bound, or says that it has a fraction")
    func overflow() throws {
        struct Small: Decodable { var n: Int8 }
        let issue = "body.n: Input should be"
        #expect(
            issues(#"{"n": 300}"#, as: Small.self) == ["\(issue) less than or equal to 127 (less_than_equal)"]
        )
        #expect(
            issues(#"{"n": -129}"#, as: Small.self)
                == ["\(issue) greater than or equal to -128 (greater_than_equal)"])
        #expect(issues(#"{"n": 1e30}"#, as: Small.self).count == 1)
        #expect(
            issues(#"{"n": 1.5}"#, as: Small.self)
                == ["\(issue) a valid integer, got a number with a fractional part (int_from_float)"])
        #expect(
            try JSONBody<Small>(request: RequestFixture.post(#"{"n": 1.0}"#).request()).value.n == 1)
        #expect(
            try JSONBody<UInt64>(request: RequestFixture.post("18446744073709551615").request()).value == .max
        )
    }

    @Test(
        "an integer just outside its type is not rounded into it",
        arguments: [
            ("-9223372036854775809", "greater than or equal to -9223372036854775808 (greater_than_equal)"),
            ("9223372036854775808", "less than or equal to 9223372036854775807 (less_than_equal)"),
        ])
    func rounding(number: String, rule: String) throws {
        struct Maybe: Decodable { var n: Int? }
        #expect(issues("{\"n\": \(number)}", as: Maybe.self) == ["body.n: Input should be \(rule)"])
        let inside = try JSONBody<Int>(request: RequestFixture.post("-9223372036854775808").request())
        #expect(inside.value == .min)
        #expect(
            try JSONBody<Int>(request: RequestFixture.post("1e18").request()).value
                == 1_000_000_000_000_000_000)
    }

    @Test("a decimal is exact")
    func decimal() throws {
        let body = try JSONBody<[Decimal]>(
            request: RequestFixture.post("[0.1, 12345678901234567890.123456789]").request())
        #expect(body.value.map { "\($0)" } == ["0.1", "12345678901234567890.123456789"])
    }

    @Test("dates are ISO 8601")
    func dates() throws {
        struct Event: Decodable { var at: Date }
        let issue = "body.at: Input should be a valid datetime"
        let body = try JSONBody<Event>(
            request: RequestFixture.post(#"{"at": "2030-01-31T12:00:00.25Z"}"#).request())
        #expect(body.at == Date(timeIntervalSince1970: 1_896_091_200.25))
        #expect(
            issues(#"{"at": "tomorrow"}"#, as: Event.self) == [
                "\(issue) in ISO 8601, such as 2030-01-31T12:00:00Z (datetime_parsing)"
            ])
        #expect(issues(#"{"at": 7}"#, as: Event.self) == ["\(issue) (datetime_type)"])
        #expect(issues(#"{"at": null}"#, as: Event.self) == ["\(issue) (datetime_type)"])
    }

    @Test("errors of Swift and Foundation are reworded without the program's type names")
    func neutral() {
        enum Color: String, Decodable { case red }
        struct Thing: Decodable {
            var color: Color?
            var id: UUID?
            var link: URL?
            var data: Data?
            var price: Decimal?
        }
        let cases = [
            (#"{"color": "blue"}"#, "body.color: Input should be one of the allowed values (enum)"),
            (#"{"color": 1}"#, "body.color: Input should be a valid string (string_type)"),
            (#"{"id": "1-2"}"#, "body.id: Input should be a valid UUID (uuid_parsing)"),
            (#"{"link": ""}"#, "body.link: Input should be a valid URL (url_parsing)"),
            (#"{"data": "*"}"#, "body.data: Input should be valid Base64 (base64_decode)"),
            (#"{"price": "1"}"#, "body.price: Input should be a valid number (float_type)"),
        ]
        for (json, issue) in cases { #expect(issues(json, as: Thing.self) == [issue]) }
        #expect(
            issues(#""blue""#, as: Color.self) == ["body: Input should be one of the allowed values (enum)"])
    }

    @Test("a type that only the program knows is a value, not a dictionary")
    func unknownType() {
        struct Odd: Decodable {
            init(from decoder: any Decoder) throws {
                throw DecodingError.typeMismatch(
                    Odd.self, .init(codingPath: decoder.codingPath, debugDescription: "Odd"))
            }
        }
        #expect(issues("[1]", as: [Odd].self) == ["body.[0]: Input should be a valid value (value_error)"])
    }

    @Test("a key that looks like a number is a key, and an index is a number")
    func numericKeys() {
        #expect(
            issues(#"{"5": [1, "x"]}"#, as: [String: [Int]].self) == [
                "body.5.[1]: Input should be a valid integer (int_type)"
            ])
    }

    @Test("a number beyond Double is refused")
    func hugeNumber() {
        let issue = "Input should be a finite number (finite_number)"
        #expect(issues(#"{"a": [1e999]}"#, as: JSONValue.self) == ["body: \(issue)"])
        #expect(issues(#"{"a": [1e999]}"#, as: [String: JSONValue].self) == ["body.a: \(issue)"])
        #expect(issues("[1e999]", as: [Double].self) == ["body.[0]: \(issue)"])
    }

    @Test("keys may be escaped, repeated, and many")
    func keys() throws {
        struct Two: Decodable { var a: Int; var b: Int? }
        let body = try JSONBody<Two>(request: RequestFixture.post(#"{"\u0061": 1, "a": 2}"#).request())
        #expect(body.a == 2)
        let members = (0..<1_000).map { "\"k\($0)\": \($0)" }.joined(separator: ",")
        let many = try JSONBody<[String: Int]>(request: RequestFixture.post("{\(members)}").request())
        #expect(many.value.count == 1_000)
        #expect(many.value["k999"] == 999)
        let found = try JSONBody<Two>(request: RequestFixture.post("{\(members), \"a\": 7}").request())
        #expect(found.a == 7)
    }

    @Test("booleans and numbers are different")
    func scalars() {
        #expect(issues("1", as: Bool.self) == ["body: Input should be a valid boolean (bool_type)"])
        #expect(issues("true", as: Double.self) == ["body: Input should be a valid number (float_type)"])
    }

    @Test("an invalid address is reported with its path")
    func email() {
        #expect(
            issues(#"{"name": "a", "email": "nobody", "addresses": []}"#, as: Person.self) == [
                "body.email: value is not a valid email address (value_error)"
            ])
        #expect(
            issues(
                #"{"name": "a", "email": "a@b.example\r\nBcc: c@d.example", "addresses": []}"#,
                as: Person.self)
                == ["body.email: value is not a valid email address (value_error)"])
    }
}
