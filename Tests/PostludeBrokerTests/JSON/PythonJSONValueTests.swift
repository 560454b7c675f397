import Foundation
import PostludeBrokerFixtures
import Testing

@testable import PostludeBroker

@Suite struct PythonJSONValueTests {
    @Test func `Values keep their order, numbers their text`() throws {
        let text = Array(#" {"a": [1, -2.50, "\u0000\ud83d\ude00é"], "b": null} "#.utf8)
        let value = try PythonJSONValue(reading: text)
        #expect(value["b"]?.isNull == true)
        #expect(value.object?.map(\.name) == ["a", "b"])
        let elements = try #require(value["a"]?.array)
        #expect(elements.count == 3)
        #expect(elements[2].string == "\0😀é")
        #expect(elements[2].text == #""\u0000\ud83d\ude00é""#)
        guard case .number(let number) = elements[1].content else { throw Unexpected("no number") }
        #expect(number == "-2.50")
        #expect(String(decoding: text[elements[1].range], as: UTF8.self) == "-2.50")
    }

    @Test(arguments: [
        "", " ", "{", "[1,]", "[1 2]", "{\"a\"}", "{\"a\":1,}", "{a:1}", "nul", "truee", "01", "1.", ".5",
        "1e", "+1", "-", "NaN", "Infinity", "\"\n\"", "\"\\x\"", "\"\\ud800\"", "\"\\udc00\\ud800\"",
        "\"\\u12\"", "\"a", "1 2", "1e400", "{\"a\":1,\"a\":2}", "{\"\\u0061\":1,\"a\":2}", "[1]]",
        "\u{feff}[1]",
    ])
    func `JSON that Python would refuse or change is refused`(text: String) {
        #expect(throws: PythonJSONError.self) { try PythonJSONValue(reading: Array(text.utf8)) }
    }

    @Test func `Invalid UTF-8 is refused`() {
        #expect(throws: PythonJSONError.self) { try PythonJSONValue(reading: [0x22, 0xc3, 0x22]) }
    }

    @Test(arguments: [
        ("[1 2]", "expected ',' or ']' (at byte 3)"), (#"{"a":1"#, "expected ',' or '}' (at byte 6)"),
        (#"{"ä" 1}"#, "expected ':' (at byte 6)"), ("{1", "expected a member's name (at byte 1)"),
        ("[nul]", "not a JSON value (at byte 1)"), ("[-]", "not a JSON value (at byte 1)"),
        ("1 2", "text after the value (at byte 2)"),
        ("1.", "a number without digits after its point (at byte 2)"),
        ("1e", "a number without digits in its exponent (at byte 2)"),
        ("\"\n\"", "a control character inside a string (at byte 1)"),
        (
            " [1e400]",
            "a number beyond the range of a double, which Python reads as infinity (at byte 2)"
        ),
        (
            #"[{"a":1,"a":2}]"#,
            "an object with a duplicate name, of which Python keeps one value (at byte 1)"
        ),
        (
            String(repeating: "[", count: 300),
            "nested more than 200 levels deep (at byte 200)"
        ),
    ])
    func `An error names the reason and the byte`(text: String, description: String) {
        let error = #expect(throws: PythonJSONError.self) {
            try PythonJSONValue(reading: Array(text.utf8))
        }
        #expect(error?.description == description)
    }

    @Test func `Limits on nesting and integers equal Python's`() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        _ = try PythonJSONValue(reading: nested(200))
        #expect(throws: PythonJSONError.self) { try PythonJSONValue(reading: nested(201)) }
        #expect(throws: PythonJSONError.self) { try PythonJSONValue(reading: nested(2_000_000)) }
        for sign in ["", "-"] {
            _ = try PythonJSONValue(reading: Array((sign + String(repeating: "7", count: 4_300)).utf8))
            #expect(throws: PythonJSONError.self) {
                try PythonJSONValue(reading: Array((sign + String(repeating: "7", count: 4_301)).utf8))
            }
        }
    }

    @Test func `Canonically equivalent names are different members`() throws {
        // A single scalar, and a letter with a combining accent.
        let value = try PythonJSONValue(reading: Array("{\"\u{e9}\":\"one\",\"e\u{301}\":\"two\"}".utf8))
        #expect(value["\u{e9}"]?.string == "one")
        #expect(value["e\u{301}"]?.string == "two")
        let single = try PythonJSONValue(reading: Array("{\"\u{e9}\":\"one\"}".utf8))
        #expect(single["e\u{301}"] == nil)
    }

    @Test func `Names that kombu reserves are refused only in outgoing messages`() throws {
        let text = Array(#"[{"__type__":"datetime","__value__":"2030-01-01"}]"#.utf8)
        _ = try PythonJSONValue(reading: text)
        #expect(throws: PythonJSONError.self) { try PythonJSONValue(reading: text, isForKombu: true) }
    }
}
