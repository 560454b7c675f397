import Foundation
import Testing

@testable import Postlude

@Suite("JSON")
struct JSONValueTests {
    @Test(
        "a value of any shape survives encoding and decoding",
        arguments: [
            "null", "true", "false", "0", "-7", "9223372036854775807", "-9223372036854775808", "1.5", "-0.25",
            #""""#, #""a\"b\\c\n""#, #""ä€😀""#, "[]", "{}", "[1,[2,[3,[]]],null]",
            #"{"a":{"b":[true,{"c":null}]},"d":"e"}"#,
        ])
    func roundTrip(text: String) throws {
        let value = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        #expect(String(decoding: try encoder.encode(value), as: UTF8.self) == text)
    }

    @Test(
        "each kind of value has its case",
        arguments: [
            ("null", JSONValue.null), ("true", .bool(true)), ("1", .integer(1)), ("0.5", .number(0.5)),
            ("1e300", .number(1e300)), ("9223372036854775808", .number(9_223_372_036_854_775_808)),
            (#""1""#, .string("1")), ("[1,null]", .array([.integer(1), .null])),
            (#"{"a":false}"#, .object(["a": .bool(false)])),
        ])
    func cases(text: String, value: JSONValue) throws {
        #expect(try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) == value)
    }

    @Test("a deeply nested body costs a worker no more than a flat one", .timeLimit(.minutes(10)))
    func depth() async throws {
        let count = try await onThread {
            let nest = String(repeating: #"{"a":["#, count: 249) + String(repeating: "]}", count: 249)
            let text = "[" + Array(repeating: nest, count: 200).joined(separator: ",") + "]"
            guard
                case .array(let all) = try JSONBody<JSONValue>(request: RequestFixture.post(text).request())
                    .value
            else { return 0 }
            return all.filter { nest in
                var value = nest
                var depth = 0
                while case .object(let object) = value, case .array(let array)? = object["a"] {
                    depth += 1
                    guard let next = array.first else { break }
                    value = next
                }
                return depth == 249
            }.count
        }
        #expect(count == 200)
    }

    @Test("a part of a body is any JSON, in a list, a dictionary or a property")
    func parts() throws {
        struct Event: Decodable {
            var name: String
            var data: JSONValue
            var more: [String: [JSONValue]]
            var none: JSONValue?
        }
        let text =
            #"[{"name":"a","data":{"x":[1,"\u00e4\ud83d\ude00"]},"more":{"0":[null,-1.5e2]},"none":null}]"#
        let events = try JSONBody<[Event]>(request: RequestFixture.post(text).request()).value
        #expect(events.count == 1)
        #expect(events[0].data == .object(["x": .array([.integer(1), .string("ä😀")])]))
        #expect(events[0].more == ["0": [.null, .number(-150)]])
        #expect(events[0].none == nil)
    }

    @Test("a number that JSON cannot represent is not encoded")
    func notANumber() {
        #expect(throws: EncodingError.self) { try Response.json(JSONValue.number(.nan)) }
    }

    @Test("literals are values")
    func literals() {
        let value: JSONValue = [
            "none": .null, "yes": true, "integer": -7, "number": 0.5, "text": "a",
            "list": [1, "b", .null, [:]],
            "inserted": "\(1)", "integer": 8,
        ]
        #expect(
            value
                == .object([
                    "none": .null, "yes": .bool(true), "integer": .integer(8), "number": .number(0.5),
                    "text": .string("a"), "inserted": .string("1"),
                    "list": .array([.integer(1), .string("b"), .null, .object([:])]),
                ]))
    }

    @Test("members and elements are read by key and index; a missing one is nil")
    func subscripts() {
        let value: JSONValue = ["list": [1, ["a": "b"]], "none": .null]
        #expect(value["list"]?[0] == 1)
        #expect(value["list"]?[1]?["a"] == "b")
        #expect(value["none"] == .null)
        #expect(value["absent"] == nil)
        #expect(value["list"]?[2] == nil)
        #expect(value["list"]?[-1] == nil)
        #expect(value["list"]?["a"] == nil)
        #expect(value[0] == nil)
        #expect(JSONValue.string("a")["a"] == nil)
    }
}
