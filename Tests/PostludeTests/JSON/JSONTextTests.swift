import Foundation
import Testing

@testable import Postlude

@Suite("JSONText")
struct JSONTextTests {
    private func value(_ text: String) -> JSONValue? { JSONText.value(of: Array(text.utf8)) }

    @Test(
        "numbers are in the form of RFC 8259",
        arguments: [
            "01", "-01", "00", "-", "+1", ".5", "1.", "1.e2", "-.5", "1e", "1e+", "1e1.5", "1e1e1", "0x1",
            "1_0",
            "--1", "1-1", "NaN", "nan", "Infinity", "-inf", "1e309", "-1e400", "1 1",
        ])
    func wrongNumbers(text: String) {
        #expect(value(text) == nil)
        #expect(value("[\(text)]") == nil)
    }

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

    @Test(
        "unterminated strings, control characters, half a surrogate pair and wrong escapes are refused",
        arguments: [
            #"""#, #""a"#, #""\""#, #""\x""#, #""\u12""#, #""\u12g4""#, #""\u+123""#, #""\ud800""#,
            #""\udc00""#,
            #""\ud800\ud800""#, #""\udc00\ud800""#, #""\ud800x""#, #""\ud800\n""#, "\"\n\"", "\"\u{1f}\"",
            "'a'",
        ])
    func wrongStrings(text: String) {
        #expect(value(text) == nil)
        #expect(value("{\(text):1}") == nil)
    }

    @Test("escapes are decoded")
    func escapes() {
        #expect(value(#""\"\\\/\b\f\n\r\t\u00e4\u0000\uD83D\ude00""#) == .string("\"\\/\u{8}\u{c}\n\r\tä\0😀"))
    }

    @Test(
        "bytes that are not UTF-8 are refused",
        arguments: [
            [0xff], [0x80], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82],
        ] as [[UInt8]])
    func wrongBytes(bytes: [UInt8]) {
        #expect(JSONText.value(of: [0x22] + bytes + [0x22]) == nil)
        #expect(JSONText.value(of: bytes) == nil)
    }

    @Test(
        "extra and missing text is refused",
        arguments: [
            "", " ", "1 x", "{} {}", "[]]", "[", "[1", "[1,", "[,]", "[1,]", "{", "{\"a\"", "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,}", "{,}", "{1:2}", "{\"a\" 1}", "[1 2]", "tru", "truex", "nul", "True", "\u{a0}1",
            "\u{c}1",
            "// x\n1", "1\u{feff}",
        ])
    func wrongStructure(text: String) {
        #expect(value(text) == nil)
    }

    @Test("a byte order mark may come first")
    func byteOrderMark() {
        #expect(value("\u{feff}[1]") == [1])
    }

    @Test("of several members with one key the last one counts")
    func repeatedKeys() {
        let text = #"{"a": 1, "\u0061": 2, "a": [3]}"#
        #expect(value(text) == ["a": [3]])
    }

    @Test(
        "nesting of up to 500 levels, which Foundation can read and write, is accepted",
        arguments: [499, 500, 501])
    func depth(levels: Int) async throws {
        for (open, inner, close) in [("[", "", "]"), ("[", "1", "]"), (#"{"a":"#, "1", "}")] {
            let text =
                String(repeating: open, count: levels) + inner + String(repeating: close, count: levels)
            let found = try await onThread { [JSONText.value(of: Array(text.utf8)) != nil, isRead(text)] }
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
            let taken = processorTime { _ = JSONText.value(of: Array(text.utf8)) }
            #expect(taken < .seconds(20), "\(taken)")
        }
    }
}
