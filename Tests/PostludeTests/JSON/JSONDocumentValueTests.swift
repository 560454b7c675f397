import Foundation
import PostludeJSON
import Testing

@testable import Postlude

@Suite("JSONDocument's values")
struct JSONDocumentValueTests {
    private func value(_ text: String) -> JSONValue? { JSONDocument.value(of: Array(text.utf8)) }

    @Test("a number is an integer if it is written as one and fits, and a Double otherwise")
    func numbers() {
        #expect(value("-0") == .integer(0))
        #expect(value("9223372036854775807") == .integer(.max))
        #expect(value("9223372036854775808") == .number(9_223_372_036_854_775_808))
        #expect(value("1.0") == .number(1))
        #expect(value("1E+2") == .number(100))
        #expect(value("1.7976931348623157e308") == .number(.greatestFiniteMagnitude))
        #expect(value("1e-400") == .number(0))
    }

    @Test("a number beyond Double's range has no value", arguments: ["1e309", "-1e400"])
    func outOfRange(text: String) throws {
        let document = try JSONDocument(body: Array("[0, \(text)]".utf8))
        let error = #expect(throws: JSONDocument.NumberOutOfRange.self) { try document.value(at: 0) }
        #expect(error?.index == 2)
    }

    @Test("a byte order mark may come first")
    func byteOrderMark() {
        #expect(value("\u{feff}[1]") == [1])
    }

    @Test("of several members with one name the last one counts")
    func repeatedNames() {
        #expect(value(#"{"a": 1, "\u0061": 2, "a": [3]}"#) == ["a": [3]])
    }

    @Test(
        "nesting of up to 500 levels, which Foundation can read and write, is accepted",
        arguments: [499, 500, 501])
    func depth(levels: Int) async throws {
        for (open, inner, close) in [("[", "", "]"), ("[", "1", "]"), (#"{"a":"#, "1", "}")] {
            let text =
                String(repeating: open, count: levels) + inner + String(repeating: close, count: levels)
            let found = try await onThread {
                [JSONDocument.value(of: Array(text.utf8)) != nil, isRead(text)]
            }
            #expect(found == [levels <= 500, true])
        }
    }

    /// Whether Foundation reads a text; it does not decode it, which would cost the square of the depth.
    private func isRead(_ text: String) -> Bool {
        struct Anything: Decodable {
            init(from decoder: any Decoder) {}
        }
        return (try? JSONDecoder().decode(Anything.self, from: Data(text.utf8))) != nil
    }

    @Test(
        "a megabyte costs little, whatever it holds", .timeLimit(.minutes(10)),
        arguments: [
            ("1", "1", ""), ("0.", "1", ""), ("\"", "\\u00e4", "\""), ("\"", "ä", "\""), ("[0", ",0", "]"),
            ("", "[", ""), ("", "{\"a\":", ""), ("[", " ", "]"), ("\"", "a", ""), ("[[]", ",[]", "]"),
        ])
    func megabyte(start: String, middle: String, end: String) async throws {
        try await onThread {
            let text = start + String(repeating: middle, count: 1_000_000 / middle.utf8.count) + end
            let taken = processorTime { _ = JSONDocument.value(of: Array(text.utf8)) }
            #expect(taken < .seconds(20), "\(taken)")
        }
    }
}

extension JSONDocument {
    /// The value of a text; nil if it is malformed, or a number is too large for a Double.
    static func value(of bytes: [UInt8]) -> JSONValue? {
        guard let document = try? JSONDocument(body: bytes) else { return nil }
        return try? document.value(at: 0)
    }
}
