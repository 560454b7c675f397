import Testing

@testable import PostludeJSON

@Suite("JSONSyntaxError")
struct JSONSyntaxErrorTests {
    @Test(
        "gives the position in Unicode scalars, as Python does, with line and column",
        arguments: [
            ("", 0, 1, 1), ("a", 1, 1, 2), ("ä€😀", 3, 1, 4), ("\n", 1, 2, 1), ("a\n\nb", 4, 3, 2),
            ("\r\n", 2, 2, 1),
        ])
    func position(text: String, offset: Int, line: Int, column: Int) {
        let error = JSONSyntaxError(
            .extraData, at: text.utf8.count, in: Array((text + "more").utf8))
        #expect(error.position == text.utf8.count)
        #expect(error.offset == offset)
        #expect(error.line == line)
        #expect(error.column == column)
    }

    @Test(
        "says what was expected, and where",
        arguments: [
            ("\"\u{ff}\u{ff}", "Unterminated string", 0), ("1 x", "Extra data", 2),
            ("[tru", "Expecting value", 1), ("[1, -]", "Expecting value", 4), ("1.x", "Expecting digits", 2),
            ("1e+", "Expecting digits", 3),
            ("{1", "Expecting property name enclosed in double quotes", 1),
            (#"{"a" 1"#, "Expecting ':' delimiter", 5), ("[1 2", "Expecting ',' delimiter", 3),
            (#"{"a":1 2"#, "Expecting ',' delimiter", 7), ("[[[1]]]", "Nested too deeply", 2),
            (#"["a\x"]"#, "Invalid \\escape", 3), ("\"a\n\"", "Invalid control character", 2),
        ])
    func reasons(text: String, reason: String, position: Int) {
        let error = #expect(throws: JSONSyntaxError.self) {
            try JSONDocument(scanning: Array(text.utf8), maximumDepth: 2)
        }
        #expect(error?.reason.text == reason)
        #expect(error?.position == position)
    }

    @Test("an unterminated text costs one pass", .timeLimit(.minutes(10)))
    func long() {
        let bytes = Array(("[" + String(repeating: "1,", count: 1_000_000)).utf8)
        let error = #expect(throws: JSONSyntaxError.self) {
            try JSONDocument(scanning: bytes, maximumDepth: 1)
        }
        #expect(error?.offset == bytes.count)
    }
}
