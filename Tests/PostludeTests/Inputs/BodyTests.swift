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
        let found = issues(#"{"n": 300}"#, as: Small.self)
        #expect(found.count == 1)
        #expect(found[0].hasSuffix("(value_error)"))
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
