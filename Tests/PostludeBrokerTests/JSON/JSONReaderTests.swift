import Foundation
import PostludeBrokerFixtures
import Testing

@testable import PostludeBroker

@Suite struct JSONReaderTests {
    @Test func `Values keep their order, numbers their text`() throws {
        let text = Array(#" {"a": [1, -2.50, "\u0000\ud83d\ude00é"], "b": null} "#.utf8)
        let value = try JSONReader.read(text)
        #expect(value["b"]?.isNull == true)
        let elements = try #require(value["a"]?.array)
        #expect(elements.count == 3)
        #expect(elements[2].string == "\0😀é")
        guard case .number(let number) = elements[1].content else { throw Unexpected("no number") }
        #expect(number == "-2.50")
        #expect(String(decoding: text[elements[1].range], as: UTF8.self) == "-2.50")
    }

    @Test(arguments: [
        "", " ", "{", "[1,]", "[1 2]", "{\"a\"}", "{\"a\":1,}", "{a:1}", "nul", "truee", "01", "1.", ".5",
        "1e", "+1", "-", "NaN",
        "Infinity", "\"\n\"", "\"\\x\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\u12\"", "\"a", "1 2",
        "1e400", "{\"a\":1,\"a\":2}",
        "{\"\\u0061\":1,\"a\":2}", "[1]]",
    ])
    func `JSON that Python would refuse or change is refused`(text: String) {
        #expect(throws: JSONReader.Mistake.self) { try JSONReader.read(Array(text.utf8)) }
    }

    @Test func `Invalid UTF-8 is refused`() {
        #expect(throws: JSONReader.Mistake.self) { try JSONReader.read([0x22, 0xc3, 0x22]) }
    }

    @Test func `Limits on nesting and integers equal Python's`() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        _ = try JSONReader.read(nested(200))
        #expect(throws: JSONReader.Mistake.self) { try JSONReader.read(nested(201)) }
        #expect(throws: JSONReader.Mistake.self) { try JSONReader.read(nested(2_000_000)) }
        _ = try JSONReader.read(Array(String(repeating: "7", count: 4_300).utf8))
        #expect(throws: JSONReader.Mistake.self) {
            try JSONReader.read(Array(String(repeating: "7", count: 4_301).utf8))
        }
    }

    @Test func `Canonically equivalent names are different members`() throws {
        // A single scalar, and a letter with a combining accent.
        _ = try JSONReader.read(Array("{\"\u{e9}\":1,\"e\u{301}\":2}".utf8))
    }

    @Test func `Names that kombu reserves are refused only in outgoing messages`() throws {
        let text = Array(#"[{"__type__":"datetime","__value__":"2030-01-01"}]"#.utf8)
        _ = try JSONReader.read(text)
        #expect(throws: JSONReader.Mistake.self) { try JSONReader.read(text, isForKombu: true) }
    }
}
