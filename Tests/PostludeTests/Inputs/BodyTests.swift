import Foundation
import Testing

@testable import Postlude

@Suite("Body")
struct BodyTests {
    private struct Address: Decodable {
        var city: String
        var zip: Int
    }

    private struct Person: Decodable {
        var name: String
        var email: EmailAddress?
        var addresses: [Address]
    }

    private func issues<Value: Decodable>(_ body: String, as type: Value.Type) -> [String] {
        PostludeTests.issues { _ = try Body<Value>(request: RequestFixture.post(body).request()) }
    }

    @Test("JSON becomes a value, whose members are read through the input")
    func value() throws {
        let json =
            #"{"name": "Ä", "email": "a@b.example", "addresses": [{"city": "X", "zip": 1}], "more": null}"#
        let body = try Body<Person>(request: RequestFixture.post(json).request())
        #expect(body.name == "Ä")
        #expect(body.email?.description == "a@b.example")
        #expect(body.value.addresses.map(\.city) == ["X"])
    }

    @Test("a body in many pieces is one value")
    func large() throws {
        let numbers = Array(0..<50_000)
        let body = try Body<[Int]>(request: RequestFixture.post("\(numbers)").request())
        #expect(body.value == numbers)
    }

    @Test("scalars, lists and dictionaries are bodies too")
    func fragments() throws {
        #expect(try Body<Int>(request: RequestFixture.post("7").request()).value == 7)
        #expect(
            try Body<[String: Int]>(request: RequestFixture.post(#"{"a":1}"#).request()).value == ["a": 1])
    }

    @Test("no body is missing")
    func missing() {
        #expect(issues("", as: Person.self) == ["body: Field required (missing)"])
    }

    @Test(
        "malformed JSON is reported once",
        arguments: [
            "{", "{]", "name=x", #"{"name": }"#, "[1,2", " ", "{} {}", "\u{0}",
        ])
    func malformed(json: String) {
        #expect(issues(json, as: JSON.self) == ["body: JSON decode error (json_invalid)"])
        #expect(issues(json, as: Person.self) == ["body: JSON decode error (json_invalid)"])
    }

    @Test("JSON is UTF-8: nothing else is read", arguments: ["7\0", "\u{0}7", "[\0]\0", "\"a\0\""])
    func encodings(json: String) {
        #expect(issues(json, as: JSON.self) == ["body: JSON decode error (json_invalid)"])
        #expect(issues(json, as: [Int].self) == ["body: JSON decode error (json_invalid)"])
        #expect(issues(json, as: Int.self) == ["body: JSON decode error (json_invalid)"])
    }

    @Test("nesting without end is malformed, not a crash")
    func deep() async throws {
        let found = try await onThread {
            let json = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
            return issues(json, as: JSON.self)
        }
        #expect(found == ["body: JSON decode error (json_invalid)"])
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

    @Test("a number that does not fit is a value error, not malformed JSON")
    func overflow() {
        struct Small: Decodable { var n: Int8 }
        let issue =
            "body: Numbers must be in range, and without a fraction where an integer is expected (value_error)"
        #expect(issues(#"{"n": 300}"#, as: Small.self) == [issue])
        #expect(issues(#"{"n": 1.5}"#, as: Small.self) == [issue])
    }

    @Test("dates are ISO 8601")
    func dates() throws {
        struct Event: Decodable { var at: Date }
        let issue = "body.at: Input should be a valid datetime"
        let body = try Body<Event>(
            request: RequestFixture.post(#"{"at": "2030-01-31T12:00:00.25Z"}"#).request())
        #expect(body.at == Date(timeIntervalSince1970: 1_896_091_200.25))
        #expect(
            issues(#"{"at": "tomorrow"}"#, as: Event.self) == [
                "\(issue) in ISO 8601, such as 2030-01-31T12:00:00Z (datetime_parsing)"
            ])
        #expect(issues(#"{"at": 7}"#, as: Event.self) == ["\(issue) (datetime_type)"])
        #expect(issues(#"{"at": null}"#, as: Event.self) == ["\(issue) (datetime_type)"])
    }

    @Test("what Swift and Foundation say is put into words that name no type of the program")
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

    @Test("a number that no Double holds is no JSON of any shape")
    func hugeNumber() {
        #expect(issues(#"{"a": [1e999]}"#, as: JSON.self) == ["body: JSON decode error (json_invalid)"])
        #expect(
            issues(#"{"a": [1e999]}"#, as: [String: JSON].self) == ["body: JSON decode error (json_invalid)"])
    }

    @Test("booleans and numbers are not taken for each other")
    func scalars() {
        #expect(issues("1", as: Bool.self) == ["body: Input should be a valid boolean (bool_type)"])
        #expect(issues("true", as: Double.self) == ["body: Input should be a valid number (float_type)"])
    }

    @Test("an address that is none is reported with its path")
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
